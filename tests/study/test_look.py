"""A new image in a study: a naive second writing of what is said of it, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image

import patternscope as ps
from patternscope.errors import InputError
from patternscope.figures.drawing.look import draw
from patternscope.networks import load_weights, record
from patternscope.radial import log_posterior
from patternscope.results.study import open_results
from patternscope.study.look import look_at
from patternscope.study.network_factory import study_network
from patternscope.study.run import saved_settings


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A square that the study does not have, not square itself."""
    rng = np.random.default_rng(9)
    pixels = rng.integers(60, 160, (40, 52, 3))
    pixels[8:26, 12:30] = (70, 70, 220)
    file = tmp_path_factory.mktemp("new") / "blue.png"
    Image.fromarray(pixels.astype(np.uint8)).save(file)
    return file


def test_what_is_said_is_what_the_maps_say_one_by_one(attacked_study, picture):
    look, results = look_at(attacked_study, picture, nearest=3), open_results(attacked_study)
    kappa_max = saved_settings(attacked_study)[0].region.kappa_max
    mu = torch.nn.functional.normalize(results.sample().mean_directions.double(), dim=1)
    shares = results.images.labels.bincount().double() / len(results.images.labels)
    assert look.pixels.shape == (3, 32, 32)
    assert [layer.layer for layer in look.layers] == ["conv_33", "conv_53"]
    for layer in look.layers:
        region, told = results.region(layer.layer), results.evidence(layer.layer)
        features, maps = features_of(look, layer, attacked_study), region.unseen[0].unique()
        # The embedding is linear: that of the mean map.
        h_new = (region.fold_maps[maps].double().mean(dim=0) @ features).T[layer.region] / region.scale
        gaps = (region.embedding.double() - h_new).norm(dim=2)
        assert [near.sample for near in layer.near] == gaps.min(dim=1).values.argsort()[:3].tolist()
        for near in layer.near:
            assert near.region == int(gaps[near.sample].argmin())
            assert near.distance == pytest.approx(float(gaps[near.sample].min()) / region.mean_strength, rel=1e-3)
            assert near.label == results.classes[int(results.images.labels[near.sample])]
            assert torch.equal(near.pixels, results.images.images[near.sample])
        probability = torch.zeros(len(layer.probability), 4, dtype=torch.float64)
        telling = torch.zeros_like(probability)
        for number in maps.tolist():
            row = (region.unseen[0] == number).nonzero()[0]
            for place, own in enumerate((region.fold_maps[number].double() @ features).T / region.scale):
                scores = log_posterior(own[None], mu, kappa_max)[0]
                for temperatures, prior, total in (
                    (told.point_temperatures, torch.full((4,), 0.25).double(), probability),
                    (told.temperatures, shares, telling),
                ):
                    inverse = 1 / temperatures.rows(row).of(own.norm().view(1, 1))[0, 0]
                    total[place] += torch.softmax(prior.log() + inverse * scores, dim=0) / len(maps)
        assert torch.allclose(layer.probability, probability, atol=1e-4)
        assert torch.allclose(layer.evidence, (telling.log2() - shares.log2()).mean(dim=0), atol=1e-3)
        assert torch.equal(layer.points, layer.probability.max(dim=1).values > results.knowledge(layer.layer).tau)
        assert layer.region == int(layer.probability[:, look.predicted].argmax())


def features_of(look, layer, folder):
    """Features (k, r) of the image, by the network of the last checkpoint."""
    settings, _ = saved_settings(folder)
    model = study_network(settings.network, settings.images, 4, seed=0)
    load_weights(model, folder / "training/01/network.safetensors")
    recording = record(model, look.pixels[None], [layer.layer], settings.network.grid)
    assert torch.allclose(torch.softmax(recording.logits[0].double(), 0), look.probability, atol=1e-6)
    return recording.regional_features[layer.layer][0].flatten(1).double()


def test_the_study_and_the_random_state_are_as_found_and_every_kind_of_image_is_the_same(attacked_study, picture):
    def state():
        return sorted((path, path.stat().st_mtime_ns) for path in attacked_study.rglob("*") if path.is_file())

    before, random = state(), torch.get_rng_state()
    study = ps.open_study(attacked_study)
    with Image.open(picture) as opened:
        image = opened.copy()
    array = np.asarray(image)
    kinds = [picture, str(picture), picture.read_bytes(), image, array, torch.from_numpy(array.copy()).permute(2, 0, 1)]
    looks = [study.look(kind) for kind in kinds]
    assert state() == before
    assert torch.equal(torch.get_rng_state(), random)
    for look in looks[1:]:
        assert look.rows() == looks[0].rows()
    rows = looks[0].rows()
    assert [row["layer"] for row in rows] == ["conv_33", "conv_53"]
    assert all(row["bits"] >= row["bits_of_predicted"] for row in rows)
    assert len(draw(looks[0]).axes) == 2 * (2 + 4)


def test_an_image_of_the_study_is_near_itself(attacked_study):
    known = open_results(attacked_study).images
    look = look_at(attacked_study, known.images[5])
    assert torch.equal(look.pixels, known.images[5])
    assert look.layers[-1].near[0].distance <= look.layers[-1].near[1].distance
    assert 5 in [near.sample for near in look.layers[-1].near]


def test_what_cannot_be_looked_at_is_one_line(attacked_study, picture, tmp_path):
    with pytest.raises(InputError, match=r"image: '.*none.png' does not exist"):
        look_at(attacked_study, tmp_path / "none.png")
    text = tmp_path / "text.png"
    text.write_text("no picture")
    with pytest.raises(InputError, match=r"image: expected a picture that Pillow can read, got .*text.png"):
        look_at(attacked_study, text)
    with pytest.raises(InputError, match="image: expected a picture that Pillow can read, got bytes of something else"):
        look_at(attacked_study, b"no picture")
    with pytest.raises(InputError, match="nearest: expected 1 or more, got 0"):
        look_at(attacked_study, picture, nearest=0)
    with pytest.raises(InputError, match="study"):
        look_at(tmp_path, picture)
    in_memory = ps.open_study(attacked_study)
    in_memory.folder = None
    with pytest.raises(InputError, match="look: expected a study on disk, got one in memory"):
        in_memory.look(picture)


def test_the_command_prints_a_row_per_layer_and_writes_a_picture(
    attacked_study, picture, tmp_path, capsys, monkeypatch
):
    from patternscope.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["patternscope", "look", str(picture), "--study", str(attacked_study)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    out = capsys.readouterr().out
    assert "the network predicts" in out
    assert max(map(len, out.splitlines())) <= 80
    assert [line.split()[0] for line in out.splitlines() if line.startswith("conv_")] == ["conv_33", "conv_53"]
    with Image.open(tmp_path / "blue_look.png") as drawn:
        assert drawn.size[0] > 500
    assert [path.name for path in tmp_path.iterdir()] == ["blue_look.png"]
    monkeypatch.setattr("sys.argv", ["patternscope", "look", "none.png", "--study", str(attacked_study)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
