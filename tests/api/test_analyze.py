"""The front door: an analysis in memory, its figures, its study on disk, and what cannot be analysed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from easy_study import CLASSES, squares
from matplotlib.text import Text
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import patternscope as ps
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.figures import figure_names
from patternscope.networks import build_network
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesResult
from patternscope.study.run import saved_status

QUICK = {"importance": {"n_step": 2}, "region": {"n_step": 2}, "knowledge": {"bootstrap": 10, "taus": [0.5]}}
LAYERS = ["conv_33", "conv_53"]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return build_network("vgg16_slim", classes=4, image_size=32, seed=0)


@pytest.fixture(scope="module")
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = squares(16, 0)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels)


@pytest.fixture(scope="module")
def analysed(network, pictures) -> ps.Study:
    return ps.analyze(network, *pictures, layers=LAYERS, classes=CLASSES, settings=QUICK, device="cpu")


def test_a_newcomers_ten_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import torchvision

    network = torchvision.models.resnet18()
    images, labels = torch.rand(40, 3, 64, 64), torch.arange(40) % 10
    result = ps.analyze(network, images, labels, layers=["layer3", "layer4"], settings=QUICK)
    assert len(result.plot.knowledge_points().axes) > 3
    assert len(result.plot.importance(samples=4).axes) > 3
    assert list(result.layers) == ["layer3", "layer4"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_found(analysed, network, pictures):
    recording = ps.record(network, pictures[0], LAYERS)
    assert torch.equal(analysed.results.sample().embedding, analysed.sample.embedding)
    layer = analysed.layers["conv_53"]
    assert layer.points.mask.shape == (16, layer.grid[0] * layer.grid[1])
    assert layer.counts.total.value == pytest.approx(layer.points.total)
    features, region = recording.regional_features["conv_53"].flatten(2), layer.region
    unseen = torch.stack([region.fold_maps[place] for place in region.unseen[0]])
    naive = torch.einsum("nkr,nek->nre", features, unseen) / region.scale
    torch.testing.assert_close(region.embedding, naive, rtol=1e-4, atol=1e-4)
    assert analysed.classes == list(CLASSES)
    assert [checkpoint.name for checkpoint in analysed.checkpoints] == ["as given"]
    assert "16 images, 2 layers, 1 checkpoint" in repr(analysed)
    assert analysed._repr_html_().count("<tr>") == 3
    for name, layer in analysed.layers.items():
        assert layer.chance == analysed.results.load(ControlsResult, layer=name).permuted.evidence
    with pytest.raises(KeyError, match="did you mean 'conv_53'"):
        _ = analysed.layers["conv_54"]


def test_twice_is_the_same_and_nothing_is_changed(network, pictures, analysed):
    images, labels = pictures
    before = (images.clone(), labels.clone(), {k: v.clone() for k, v in network.state_dict().items()})
    network.train()
    state = torch.get_rng_state()
    again = ps.analyze(network, images, labels, layers=LAYERS, classes=CLASSES, settings=QUICK, device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])
    assert all(torch.equal(value, before[2][name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())
    for layer in LAYERS:
        assert torch.equal(again.layers[layer].region.map, analysed.layers[layer].region.map)
        first, second = (each.results.load(ControlsResult, layer=layer) for each in (analysed, again))
        assert (first.permuted, first.untrained) == (second.permuted, second.untrained)
    network.eval()


def test_chance_is_measured_with_a_network_of_other_weights_unless_it_is_off(network, pictures, analysed):
    for layer in LAYERS:
        chance = analysed.results.load(ControlsResult, layer=layer)
        assert chance.untrained_from == "re-initialised"
        assert chance.untrained.evidence.value != analysed.results.evidence(layer).evidence.value
    options = {"layers": LAYERS[:1], "classes": CLASSES, "device": "cpu"}
    without = ps.analyze(network, *pictures, settings={**QUICK, "controls": {"enabled": False}}, **options)
    assert not without.results.has(ControlsResult)
    assert torch.equal(without.layers[LAYERS[0]].region.map, analysed.layers[LAYERS[0]].region.map)

    class OneOfAKind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, pixels):
            return self.inner(pixels)

        def __deepcopy__(self, memo):
            raise TypeError("there is one")

    options["layers"] = ["inner.conv_33"]
    with pytest.raises(InputError, match=r"expected one that can be copied, for \[controls\], got TypeError: there is"):
        ps.analyze(OneOfAKind(), *pictures, settings=QUICK, **options)
    ps.analyze(OneOfAKind(), *pictures, settings={**QUICK, "controls": {"enabled": False}}, **options)


@pytest.mark.parametrize("name", ["counts", "sample_embedding", "regional_embedding", "losses", "evidence"])
def test_figures_are_drawn_without_a_study(analysed, name):
    from matplotlib.figure import Figure

    assert isinstance(getattr(analysed.plot, name)(), Figure)


def test_figures_are_listed_and_an_unknown_one_names_the_nearest(analysed):
    of_training = [n for n in figure_names() if n.startswith("training") or n in ("emergence", "ledger")]
    of_parts = ("attack", "distilled", "faithfulness", "ledger_attack", "ledger_students", "patterns")
    optional = [n for n in figure_names() if n.startswith(of_parts)]
    absent = [*optional, *of_training]
    assert dir(analysed.plot) == [name for name in figure_names() if name not in absent]
    for name in optional:
        with pytest.raises(InputError, match=r"expected a study with \[(attack|distillation|faithfulness|patterns)\]"):
            getattr(analysed.plot, name)()
    for name in of_training:
        with pytest.raises(InputError, match="expected a study with several checkpoints, got one"):
            getattr(analysed.plot, name)()
    with pytest.raises(AttributeError, match="did you mean 'counts'"):
        _ = analysed.plot.count
    assert "Return" in analysed.plot.counts.__doc__


def test_a_saved_analysis_is_a_study(analysed, tmp_path, capsys):
    study = analysed.save(tmp_path / "study")
    assert study.folder == tmp_path / "study"
    for layer in LAYERS:
        assert torch.equal(study.layers[layer].region.map, analysed.layers[layer].region.map)
        assert study.layers[layer].counts == analysed.layers[layer].counts
    assert {unit.state for unit in saved_status(study.folder)} == {"done"}
    for command in ("figures", "atlas", "report", "status"):
        with pytest.raises(SystemExit) as end:
            main([command, str(study.folder)])
        assert end.value.code == 0, capsys.readouterr().err
    assert (study.folder / "atlas/atlas.html").stat().st_size > 100_000
    assert (study.folder / "report.html").is_file()
    with pytest.raises(InputError, match="expected an empty or new folder"):
        analysed.save(study.folder)
    with pytest.raises(InputError, match="expected an analysis in memory"):
        study.save(tmp_path / "other")


def test_the_settings_of_a_saved_analysis_say_that_no_run_can_repeat_it(analysed, tmp_path, capsys):
    study = analysed.save(tmp_path / "study")
    with pytest.raises(SystemExit, match="0"):
        main(["settings", str(study.folder)])
    printed = capsys.readouterr().out
    assert printed.startswith("# ps.analyze made this study from a network and images in memory: no run can repeat it")
    (tmp_path / "again.toml").write_text(printed)
    with pytest.raises(SystemExit, match="2"):
        main(["run", str(tmp_path / "again.toml"), "--out", str(tmp_path / "again")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 'images.source: expected a source on disk, got "memory"; ps.analyze made this study' in said
    assert not (tmp_path / "again").exists()


def test_images_come_as_arrays_data_sets_loaders_and_folders(network, pictures, analysed, tmp_path):

    images, labels = pictures
    dataset = TensorDataset(images, labels)
    pairs = [(images[index].numpy(), int(labels[index])) for index in range(16)]
    options = {"layers": ["conv_53"], "settings": QUICK, "device": "cpu"}

    def logits(study: ps.Study) -> torch.Tensor:
        return study.results.load(FeaturesResult).logits

    for source in ((dataset,), (DataLoader(dataset, batch_size=5),), (pairs,), (images.numpy(), labels.tolist())):
        study = ps.analyze(network, *source, **options)
        assert torch.equal(study.images.images, analysed.images.images)
        assert torch.equal(study.images.labels, labels)
        torch.testing.assert_close(logits(study), logits(analysed))
    for place, label in enumerate(labels.tolist()):
        file = tmp_path / "pictures" / CLASSES[label] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((images[place] * 255).byte().permute(1, 2, 0).numpy()).save(file)
    study = ps.analyze(network, tmp_path / "pictures", image_size=32, samples_per_class=2, **options)
    assert sorted(study.classes) == sorted(CLASSES)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"classes": [1, 2, 3, 50]}, "classes: expected outputs 0 to 3, got 50"),
        ({"classes": [1.0, 2.0, 3.0, 0.0]}, "classes: expected names or numbers of outputs, got 1.0"),
        ({"classes": [True, False, 2, 3]}, "classes: expected names or numbers of outputs, got True"),
        ({"classes": []}, r"classes: expected the classes of the images, got \[\]"),
        ({"classes": [0, 1, 2, 3], "head": "probe"}, 'expected names of the classes with head="probe"'),
        ({"head": "sigmoid"}, "yes or no"),
        ({"settings": {**QUICK, "network": {"weights": "w.pth"}}}, "expected no network.weights in memory"),
        ({"settings": {**QUICK, "network": {"mean": [5.0]}}}, "expected no network.mean in memory"),
        ({"settings": {**QUICK, "training": {"epochs": 3}}}, r"expected no \[training\] in memory"),
    ],
)
def test_what_would_be_ignored_is_refused(network, pictures, options, said):
    with pytest.raises(InputError, match=said):
        ps.analyze(network, *pictures, ["conv_53"], device="cpu", **{"settings": QUICK, **options})


def test_numbers_of_numpy_are_numbers(network, pictures):
    images, labels = pictures
    order = np.array([3, 2, 1, 0])
    found = ps.analyze(network, images, 3 - labels, ["conv_53"], classes=list(order), settings=QUICK, device="cpu")
    plain = ps.analyze(network, images, labels, ["conv_53"], settings=QUICK, device="cpu")
    assert found.layers["conv_53"].evidence.value == pytest.approx(plain.layers["conv_53"].evidence.value, abs=0.05)


def test_pictures_of_a_folder_are_resized_as_asked(network, pictures, tmp_path):
    for place in range(24):
        file = tmp_path / "pictures" / CLASSES[place % 4] / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        wide = np.zeros((32, 64, 3), np.uint8)
        wide[:, :16] = 255  # what a cut at the middle loses
        Image.fromarray(wide).save(file)
    options = {"image_size": 32, "samples_per_class": 1, "layers": ["conv_53"], "device": "cpu"}
    found = {}
    for resize in ("crop", "stretch"):
        asked = {**QUICK, "images": {"resize": resize}}
        found[resize] = ps.analyze(network, tmp_path / "pictures", settings=asked, **options).images.images
    assert not found["crop"].any()
    assert found["stretch"][:, :, :, :6].min() > 200
    with pytest.raises(InputError, match=r"expected images\.resize for a folder of pictures, got images in memory"):
        ps.analyze(network, *pictures, settings={**QUICK, "images": {"resize": "pad"}})


def test_without_labels_the_networks_own_decisions_stand_for_them(network, pictures):
    found = ps.analyze(network, pictures[0], layers=["conv_53"], settings=QUICK, device="cpu")
    predicted = ps.record(network, pictures[0], []).logits.argmax(1)
    assert torch.equal(found.images.labels, predicted)
    # The network agrees with itself: that is no accuracy.
    assert found.checkpoints[0].held_out_accuracy is None
    for name in ("evidence", "losses", "knowledge_points", "sample_embedding", "evidence_maps", "region_paths"):
        words = [text.get_text() for text in getattr(found.plot, name)().findobj(Text)]
        assert not [text for text in words if "true class" in text or "accuracy 1.00" in text], name


def test_intervals_depend_on_no_name(network, pictures):
    """A block and its last part have the same output, and so the same numbers."""
    names = ["conv_53", "conv_53.activation"]
    found = ps.analyze(network, *pictures, names, settings=QUICK, device="cpu")
    first, second = (found.layers[name] for name in names)
    assert first.counts == second.counts
    assert first.evidence == second.evidence
    controls = [found.results.load(ControlsResult, layer=name) for name in names]
    assert controls[0].permuted == controls[1].permuted


def test_a_normaliser_of_ones_own(network, pictures):
    images, labels = pictures
    own = ps.analyze(network, images, labels, ["conv_53"], mean=0.5, std=0.25, settings=QUICK, device="cpu")

    class Inside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, pixels):
            return self.inner((pixels - 0.5) / 0.25)

    inside = ps.analyze(Inside(), images, labels, ["inner.conv_53"], settings=QUICK, device="cpu")
    maps = [study.layers[name].region.map for study, name in ((own, "conv_53"), (inside, "inner.conv_53"))]
    torch.testing.assert_close(*maps, rtol=1e-3, atol=1e-4)


BAD = {
    "labels": (lambda x, y: (x, y + 1), r"labels: expected classes of the network, 0 to 3, got 1 to 4"),
    "too few labels": (lambda x, y: (x, y[:3]), r"labels: expected 16, one per image, got shape \(3,\)"),
    "normalised": (lambda x, y: (x * 2, y), r"images: expected pixels in \[0, 1\], got .*; give the normaliser"),
    "channels": (lambda x, y: (x.repeat(1, 2, 1, 1), y), r"images: expected \(n, 1 to 4, height, width\)"),
    "integers": (lambda x, y: (x.long(), y), r"images: expected floating point or uint8, got torch.int64"),
    "no pairs": (lambda x, y: ([1, 2], None), r"images: expected pairs of an image and a label, got int"),
    "nothing": (lambda x, y: (7, None), r"images: expected a tensor, a data set, a loader or a folder, got int"),
    "empty": (lambda x, y: ([], None), r"images: expected pairs of images and labels, got none"),
    "probabilities": (lambda x, y: (x, y + 0.7), r"labels: expected integers, got torch.float32"),
    "truths": (lambda x, y: (x, y > 1), r"labels: expected integers, got torch.bool"),
    "names": (lambda x, y: (x, ["a"] * len(y)), r"labels: expected integers, got \['a'"),
    "fractions": (lambda x, y: ([(x[0], 0.7)], None), r"labels: expected integers, got torch.float64"),
    "sizes": (lambda x, y: ([(x[0], 1), (x[0, :, 1:], 1)], None), r"images: expected images of one size"),
    "both": (lambda x, y: ([(x[0], 1)], y), r"labels: expected None for a data set"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_analysed_is_one_line(network, pictures, kind):
    change, said = BAD[kind]
    with pytest.raises(InputError, match=said) as raised:
        ps.analyze(network, *change(*pictures), settings=QUICK, device="cpu")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": "conv_53"}, "layers: expected a list of names, got 'conv_53'"),
        ({"classes": "abcd"}, "classes: expected a list of names, got 'abcd'"),
        ({"classes": ["a", "a", "b", "c"]}, "classes: expected each name once"),
        ({"settings": {"knowledge": 3}}, "settings: expected sections"),
        ({"settings": {"attack": {}}}, r"settings: expected no \[attack\] in memory"),
        ({"settings": {"images": {"image_size": 64}}}, r"settings: expected no images.image_size"),
    ],
)
def test_options_that_cannot_be_used_are_one_line(network, pictures, options, said):
    with pytest.raises(InputError, match=said):
        ps.analyze(network, *pictures, **{"settings": QUICK, "device": "cpu", **options})


def test_a_loader_leaves_random_states_as_they_were(network, pictures, analysed):
    import random

    class Jittered(torch.utils.data.TensorDataset):
        def __getitem__(self, index):
            random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
            return super().__getitem__(index)

    loader = torch.utils.data.DataLoader(Jittered(*pictures), batch_size=3)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    study = ps.analyze(network, loader, layers=LAYERS, settings=QUICK, device="cpu")
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    assert study.layers[LAYERS[0]].counts == analysed.layers[LAYERS[0]].counts


def test_flipped_and_foreign_arrays_are_read(network, pictures, analysed):
    images, labels = pictures
    flipped = np.ascontiguousarray(images.numpy()[..., ::-1])[..., ::-1].astype(">f4")
    study = ps.analyze(network, flipped, labels.numpy(), LAYERS, settings=QUICK, device="cpu")
    assert study.layers[LAYERS[0]].counts == analysed.layers[LAYERS[0]].counts


def test_half_precision_is_normalised_as_it_is(pictures):
    half = build_network("vgg16_slim", classes=4, image_size=32, seed=0).half()
    study = ps.analyze(half, *pictures, LAYERS, mean=0.5, std=0.25, settings=QUICK, device="cpu")
    assert list(study.layers) == list(LAYERS)


def test_what_a_study_is_asked_and_shows(analysed, tmp_path):
    assert repr(analysed.layers) == f"Layers({', '.join(LAYERS)})"
    assert len(repr(analysed.layers[LAYERS[0]])) < 200
    assert len(repr(analysed.layers[LAYERS[0]].knowledge)) < 200
    with pytest.raises(InputError, match=r"checkpoint: expected one of \[0\], got 5"):
        analysed.layers_at(5)
    with pytest.raises(KeyError) as raised:
        analysed.layers[-1]
    assert str(raised.value).startswith("layer: expected one of the study's, got -1")
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below", "long" * 100):
        with pytest.raises(InputError):
            analysed.save(tmp_path / place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_mistakes_in_settings_layers_and_classes_are_one_line(network, pictures):
    for options, said in (
        ({"settings": {"region": {"n_stp": 1}}}, "region.n_stp is unknown; did you mean 'n_step'?"),
        ({"layers": ["conv_54"]}, "did you mean 'conv_53'?"),
        ({"classes": ["a", "b"]}, "classes: expected 4 names, one per logit of the network, got 2"),
        ({"device": "gpu"}, "device: expected a name such as"),
    ):
        with pytest.raises(InputError) as raised:
            ps.analyze(network, *pictures, **options)
        assert said in str(raised.value)


def test_the_package_imports_in_no_time_and_nothing_heavy():
    code = "import sys, patternscope; print([m for m in ('torch', 'pydantic', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_run_study_does_all_that_the_command_does(tmp_path):
    images, labels = squares(60, 0)
    np.savez(tmp_path / "squares.npz", x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    (tmp_path / "study.toml").write_text(
        "[images]\nsource = 'arrays'\nfolder = 'squares.npz'\nimage_size = 32\nsamples_per_class = 3\n"
        "[network]\nlayers = ['conv_53']\n[training]\nepochs = 1\ncheckpoints = 1\naugmentation = false\n"
        "[importance]\nn_step = 2\n[region]\nn_step = 2\n[knowledge]\nbootstrap = 10\ntaus = []\n[figures]\ndpi = 50\n"
    )
    study = ps.run_study(tmp_path / "study.toml", tmp_path / "out", device="cpu")
    assert (tmp_path / "out/atlas/atlas.html").is_file()
    assert (tmp_path / "out/figures/counts/counts.png").is_file()
    assert json.loads((tmp_path / "out/study.json").read_text())["layers"] == ["conv_53"]
    assert study.layers["conv_53"].knowledge.tau == pytest.approx((1 + 2 / 4) / 3)
    with pytest.raises(InputError, match="workers: expected 1 or more, got 0"):
        ps.run_study(tmp_path / "study.toml", tmp_path / "out", workers=0)
    with pytest.raises(InputError, match="does not exist"):
        ps.run_study(Path("nowhere.toml"))
