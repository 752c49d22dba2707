"""The store holds what was given, as docs/atlas-format.md says, and the same bytes each time."""

import io
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from PIL import Image

from atlas.invented_atlas import invent
from patternscope.atlas.selection import evenly, smaller, with_steps, without_importance
from patternscope.atlas.store import write_store
from patternscope.atlas.store_arrays import from_planes, to_planes
from patternscope.knowledge import Temperatures
from patternscope.knowledge.calibration import at_temperature
from patternscope.radial import log_posterior

DOCUMENT = Path(__file__).parents[2] / "docs/atlas-format.md"
ENTRY = re.compile(r"^( {4,})(\S+) +(u1|u2|i2|f4) +\(([^)]*)\)")


def promised() -> dict[str, tuple[str, str]]:
    """Arrays that the document lists: path -> dtype, shape."""
    found, folder = {}, ""
    tree = DOCUMENT.read_text().split("## Tree")[1].split("`<l>` and")[0]
    for line in tree.splitlines():
        if line.strip().endswith("/") and line.strip() != "/":
            folder = line.strip()
        entry = ENTRY.match(line)
        if entry:
            inside = folder if len(entry[1]) > 4 else "/"
            found[(inside + entry[2]).lstrip("/")] = (entry[3], entry[4])
    return found


def opened(store: Path) -> zarr.Group:
    return zarr.open_consolidated(store)


def arrays(store: Path) -> dict[str, zarr.Array]:
    return {name: each for name, each in opened(store).members(max_depth=None) if isinstance(each, zarr.Array)}


def integers(array: zarr.Array, step: int) -> np.ndarray:
    """The integers (m, e) of a step."""
    return from_planes(np.asarray(array[step]), tuple(array.attrs["planes"]))


@pytest.mark.parametrize("grid", [(1, 1), (3, 1), (2, 5)])
def test_integers_of_all_sizes_come_back_from_their_planes(grid):
    rng = np.random.default_rng(0)
    for most in (3, 300, 32767):
        given = rng.integers(-most - 1, most + 1, size=(4 * grid[0] * grid[1], 7)).astype(np.int16)
        planes = to_planes(given, grid)
        assert planes.dtype == np.uint8
        assert planes.shape == (2, 7, len(given))
        assert (from_planes(planes, grid) == given).all()


def test_the_document_lists_just_the_arrays_that_are_there(store, content):
    told = promised()
    assert len(told) == 31
    root = opened(store).attrs.asdict()
    conditions = {each["key"]: each for each in root["conditions"]}
    seen = set()
    for name, array in arrays(store).items():
        parts = name.split("/")
        sizes = {"N": 60, "C": 10, "e": 3, "1": 1, "2": 2, "3": 3, "4": 4, "F": 16}
        if parts[0] == "layers":
            height, width = conditions[parts[2]]["grids"][parts[1]]
            sizes |= {"R": height * width, "N*R": 60 * height * width}
        condition = next((conditions[part] for part in parts if part in conditions), None)
        if condition is not None:
            sizes["T"] = len(condition["steps"])
        general = re.sub(r"^layers/[^/]+/[^/]+", "layers/<l>/<c>", name)
        general = re.sub(r"^conditions/[^/]+", "conditions/<c>", general)
        general = re.sub(r"(thumbnails|perturbation)/\d+$", r"\1/<k>", general)
        general = re.sub(r"changes/\d+/\d+$", "changes/<s>/<k>", general)
        dtype, shape = told[general]
        seen.add(general)
        assert array.dtype.str[1:] == {"u1": "u1", "u2": "u2", "i2": "i2", "f4": "f4"}[dtype], name
        if shape != "bytes":
            assert array.shape == tuple(sizes[each] for each in shape.split(", ")), name
        steps = shape.startswith("T") and not name.endswith(("counts", "evidence"))
        assert array.chunks == ((1, *array.shape[1:]) if steps else array.shape), name
    # Only a student seen through two kinds of map has directions of a layer's own.
    assert set(told) - seen == {"layers/<l>/<c>/direction"}


def test_values_come_back_within_half_an_integer(store, content):
    group = opened(store)
    for condition in content.conditions:
        for key, name in enumerate(content.layers):
            found = group[f"layers/{key}/{condition.key}"]
            scales = found["position"].attrs["scale"]
            for step in range(len(condition.steps)):
                given = condition.layers[name].regions(step)
                stored = integers(found["position"], step)
                assert scales[step] <= 1 / 96 or np.abs(stored).max() == 32767
                error = stored * scales[step] - given.position.reshape(stored.shape)
                assert np.abs(error).max() <= 0.501 * scales[step]
                known = given.temperatures
                for place, values in enumerate((known.weak, known.strong, known.unit)):
                    assert (np.asarray(found["temperature"][step])[:, place] == values.float().numpy()).all()
                bits = integers(found["bits"], step) * found["bits"].attrs["scale"][step]
                assert np.abs(bits.ravel() - given.bits.ravel()).max() <= 0.00501
                if condition.key == "training":
                    refits = found["stability"].attrs["refits"]
                    assert np.abs(np.asarray(found["stability"][step]) / refits - given.stability.ravel()).max() < 1e-9
                assert (np.asarray(found["category"][step]) == given.category.ravel()).all()
                bits = np.asarray(found["knowledge"][step])
                assert ((bits & 1 > 0) == given.mask.ravel()).all()
                assert ((bits & 2 > 0) == given.reliable.ravel()).all()
                confidence = np.asarray(found["confidence"][step]) / 255
                assert np.abs(confidence - given.confidence.ravel()).max() <= 0.501 / 255
                if given.importance is not None:
                    scale = found["importance"].attrs["scale"][step]
                    weights = np.asarray(found["importance"][step]) * scale
                    assert np.abs(weights - given.importance).max() <= 0.501 * scale
            assert np.allclose(found["counts"], condition.layers[name].counts, equal_nan=True)
            if condition.key == "training":
                assert np.allclose(found["evidence"], condition.layers[name].evidence)
                assert np.allclose(found["chance"], condition.layers[name].chance)


def naive_posterior(root: dict, position: np.ndarray, direction: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """As the document says it, a point at a time; positions already times their unit."""
    table = root["concentration"]
    nodes = np.linspace(0, np.log1p(table["reach"]), len(table["values"]))
    found = []
    for x, own in zip(position, temperature, strict=True):
        q = np.interp(np.log1p(np.linalg.norm(x)), nodes, table["values"])
        logits = [q * float(np.dot(x, mu)) / own for mu in direction]
        weights = np.exp(np.array(logits) - max(logits))
        found.append(weights / weights.sum())
    return np.array(found)


@pytest.mark.parametrize("dimensions", [2, 3, 5, 9])
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_page_can_compute_the_posterior_from_what_is_stored(dimensions, calibrated, tmp_path):
    content = invent(
        images=12, dimensions=dimensions, steps=2, attack=False, model=False, calibrated=calibrated, grid=(4, 4)
    )
    write_store(tmp_path / "store", content)
    group = opened(tmp_path / "store")
    root = group.attrs.asdict()
    assert root["dimensions"] == dimensions
    for key, name in enumerate(content.layers):
        layer, found = content.conditions[0].layers[name], group[f"layers/{key}/training"]
        given, position = layer.regions(1), found["position"]
        stored = integers(position, 1) * position.attrs["scale"][1] * position.attrs["unit"]
        direction = np.asarray(group["conditions/training/direction"][1])
        images, regions = given.category.shape
        weak, strong, unit = (
            np.repeat(found["temperature"][1], regions, axis=0).T
            if calibrated
            else (np.ones(images * regions) for _ in range(3))
        )
        strength = layer.unit * np.linalg.norm(given.position, axis=-1).ravel()
        share = strength / (strength + unit)
        temperature = 1 / ((1 - share) / weak + share / strong)
        assert ("temperature" in found) == calibrated
        exact = exact_posterior(content, layer, given, content.conditions[0].direction[1])
        # Half of the page's last digit.
        assert np.abs(naive_posterior(root, stored, direction, temperature) - exact).max() < 5e-3
        assert np.abs(exact.max(axis=1) - given.confidence.ravel()).max() < 1e-5


def exact_posterior(content, layer, given, direction: np.ndarray) -> np.ndarray:
    """p(c | region) of all regions as the study has it."""
    embedding = torch.from_numpy(layer.unit * given.position.astype(np.float64))
    scores = log_posterior(embedding, torch.from_numpy(direction).double(), content.kappa_max)
    temperature = 1.0 if given.temperatures is None else given.temperatures.of(embedding.norm(dim=-1))
    return at_temperature(scores, temperature).exp().reshape(-1, len(content.classes)).numpy()


def test_positions_are_no_finer_than_they_are_told(tmp_path):
    content = invent(images=4, steps=1, layers=1, attack=False, model=False)
    (name, layer), training = *content.conditions[0].layers.items(), content.conditions[0]

    def scale(unit: float, temperature: float) -> float:
        regions = replace(layer.regions(0), temperatures=Temperatures.equal(torch.full((4,), temperature)))
        changed = replace(training, layers={name: replace(layer, unit=unit, regions=lambda step: regions)})
        folder = tmp_path / f"{unit}-{temperature}"
        write_store(folder, replace(content, conditions=(changed,)))
        return opened(folder)["layers/0/training/position"].attrs["scale"][0]

    assert scale(1.0, np.inf) == scale(0.01, 1.0) == 1 / 96
    finest = scale(4.0, 0.5)
    assert scale(8.0, 0.5) == pytest.approx(finest / 2)
    assert scale(4.0, 0.25) == pytest.approx(finest / 2)


def test_an_old_study_has_no_evidence_no_stability_and_no_temperature(tmp_path):
    content = invent(images=12, steps=2, calibrated=False)
    write_store(tmp_path / "store", content)
    names = {path.rpartition("/")[2] for path in arrays(tmp_path / "store")}
    assert not names & {"bits", "stability", "temperature", "evidence", "chance"}
    root = opened(tmp_path / "store").attrs.asdict()
    assert root["evidence"] is None
    assert opened(tmp_path / "store")["layers/0/training/position"].attrs["unit"] == 1.0


def test_images_are_cut_from_the_sprites_as_the_document_says(store, content):
    group = opened(store)
    for name, images in (
        ("thumbnails", content.images),
        ("conditions/attack/thumbnails", content.conditions[1].images),
    ):
        sprite = group[f"{name}/0"]
        about = sprite.attrs.asdict()
        sheet = np.asarray(Image.open(io.BytesIO(np.asarray(sprite).tobytes())))
        height, width = about["size"]
        for index in (0, 17, 59):
            row, column = divmod(index - about["first"], about["columns"])
            cut = sheet[row * height :][:height, column * width :][:, :width]
            assert np.abs(cut.astype(int) - images[index].transpose(1, 2, 0)).mean() < 4
    names = json.loads(np.asarray(group["image_names"]).tobytes())
    assert tuple(names) == content.image_names


def test_what_each_step_of_an_attack_changed_is_what_the_page_adds_to_the_clean_image(store, content):
    group, attack = opened(store), content.conditions[1]
    perturbation = attack.perturbation
    assert perturbation.factor == 127 // 8
    for step, images in ((1, perturbation.images[1]), (2, perturbation.images[2])):
        sprite = group[f"conditions/attack/changes/{step}/0"]
        assert sprite.attrs["factor"] == perturbation.factor
        sheet = np.asarray(Image.open(io.BytesIO(np.asarray(sprite).tobytes()))).astype(int)
        height, width = sprite.attrs["size"]
        row, column = divmod(17, sprite.attrs["columns"])
        cut = sheet[row * height :][:height, column * width :][:, :width]
        assert np.abs(cut - images[17].transpose(1, 2, 0)).mean() / perturbation.factor < 1
    assert "conditions/attack/changes/3/0" not in arrays(store)


def test_a_study_that_keeps_the_last_picture_alone_says_what_that_changed(tmp_path):
    content = invent(images=12, steps=2, layers=1, model=False)
    attack = content.conditions[1]
    old = replace(attack, perturbation=attack.perturbation.without_steps())
    write_store(tmp_path / "store", replace(content, conditions=(content.conditions[0], old)))
    names = arrays(tmp_path / "store")
    assert "conditions/attack/perturbation/0" in names
    assert not any("changes" in name for name in names)


def test_large_and_grey_images_become_thumbnails(tmp_path):
    content = invent(images=300, steps=1, layers=1, grid=(1, 1), attack=False, model=False, side=8)
    grey = np.zeros((300, 1, 200, 400), np.uint8)
    write_store(tmp_path / "store", replace(content, images=grey))
    group = opened(tmp_path / "store")
    # Twice the size at which the page shows them, in sheets that a browser can decode.
    assert [group[f"thumbnails/{k}"].attrs["count"] for k in range(6)] == [50] * 6
    assert group["thumbnails/0"].attrs["size"] == [200, 400]
    assert group["thumbnails/0"].attrs["columns"] == 5
    assert group.attrs["image_size"] == [200, 400]


def test_images_take_no_more_than_they_may(tmp_path):
    content = invent(images=300, steps=1, layers=1, grid=(1, 1), attack=False, model=False, side=8)
    noise = np.random.default_rng(0).integers(0, 256, (300, 1, 200, 400), np.uint8)
    taken = {}
    for most in (1e9, 6e6, 1.0):
        write_store(tmp_path / f"{most:g}", replace(content, images=noise), image_bytes=most)
        group = opened(tmp_path / f"{most:g}")
        sprites = [group[f"thumbnails/{k}"] for k in range(len(list(group["thumbnails"].array_keys())))]
        taken[most] = sum(sprite.shape[0] for sprite in sprites), sprites[0].attrs["size"]
    assert taken[1e9][1] == [200, 400]
    assert taken[6e6][0] < 6.6e6 < taken[1e9][0]
    assert taken[1.0][1] == [64, 128]  # small, and not absent


def test_first_appearances_by_a_loop(store, content):
    for key, name in enumerate(content.layers):
        emerged = content.conditions[0].layers[name].emerged
        first = [next((t for t in range(4) if emerged[t, image]), 65535) for image in range(60)]
        found = opened(store)[f"layers/{key}/training"]
        assert np.asarray(found["first"]).tolist() == first
        for label, median in enumerate(np.asarray(found["class_first"])):
            own = sorted(each for each, of in zip(first, content.labels, strict=True) if of == label)
            half = own[(len(own) - 1) // 2]
            assert np.isnan(median) if half == 65535 else median == half


def test_the_same_content_gives_the_same_bytes_at_another_time(store, content, tmp_path, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86400)
    write_store(tmp_path / "store", content)
    files = {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}
    again = {
        path.relative_to(tmp_path / "store"): path.read_bytes()
        for path in (tmp_path / "store").rglob("*")
        if path.is_file()
    }
    assert again == files


def test_every_chunk_is_there_also_one_of_zeros(tmp_path):
    content = invent(images=4, steps=2, layers=1, grid=(2, 2), attack=False, model=False)
    quiet = replace(content.conditions[0], predictions=np.zeros((2, 4), int))
    write_store(tmp_path / "store", replace(content, conditions=(quiet,)))
    for name, array in arrays(tmp_path / "store").items():
        chunks = [path for path in (tmp_path / "store" / name / "c").rglob("*") if path.is_file()]
        assert len(chunks) == array.nchunks, name


def test_an_image_that_is_not_attacked_has_no_target(tmp_path):
    content = invent(images=4, steps=1, layers=1, grid=(1, 1), model=False)
    attack = replace(content.conditions[1], targets=np.array([-1, 0, 1, 2]))
    write_store(tmp_path / "store", replace(content, conditions=(content.conditions[0], attack)))
    assert np.asarray(opened(tmp_path / "store")["conditions/attack/targets"]).tolist() == [65535, 0, 1, 2]


def test_fewer_steps_are_the_same_steps(content):
    fewer = with_steps(content, "training", [0, 3])
    old, new = content.conditions[0].layers["conv_43"], fewer.conditions[0].layers["conv_43"]
    for place, step in enumerate((0, 3)):
        assert (new.regions(place).position == old.regions(step).position).all()
        assert (new.emerged[place] == old.emerged[step]).all()
        assert np.array_equal(new.counts[place], old.counts[step], equal_nan=True)
        assert np.array_equal(new.evidence[place], old.evidence[step])
    assert fewer.conditions[1:] == content.conditions[1:]
    assert fewer.omitted == ("Training: 2 of 4 steps (step 0, step 1000).",)
    assert content.omitted == ()


def test_without_importance_nothing_else_changes(content):
    bare = without_importance(content)
    given = content.conditions[0].layers["conv_23"].regions(1)
    found = bare.conditions[0].layers["conv_23"].regions(1)
    assert found.importance is None
    assert given.importance is not None
    assert (found.position == given.position).all()
    assert "mportance" in bare.omitted[0]


def test_smaller_ends_with_first_and_last_steps_and_says_all(content):
    steps = [[len(each.steps) for each in one.conditions] for one in smaller(content)]
    assert steps == [[4, 4, 1], [4, 4, 1], [4, 4, 1], [4, 4, 1], [2, 2, 1]]
    *_, smallest = smaller(content)
    assert len(smallest.omitted) == 5
    perturbations = [one.conditions[1].perturbation for one in smaller(content)]
    assert [each and len(each.between_steps) for each in perturbations] == [2, 0, None, None, None]
    for count in range(2, 20):
        for kept in range(2, count + 1):
            chosen = evenly(count, kept)
            assert chosen[0] == 0
            assert chosen[-1] == count - 1
            assert len(set(chosen)) == kept
