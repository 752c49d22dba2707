"""The page in a real browser: what it shows is what Python wrote."""

import base64
import io
import json
import re
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from PIL import Image
from zarr.codecs import GzipCodec

from atlas.invented_atlas import invent
from atlas.pages import Watched, opened, served
from patternscope.atlas.page import write_folder, write_single
from patternscope.atlas.store import write_store
from patternscope.atlas.store_arrays import from_planes
from patternscope.figures.drawing.style import named_marks
from patternscope.knowledge import Temperatures
from patternscope.knowledge.calibration import at_temperature
from patternscope.radial import log_posterior
from patternscope.radial.view import arrangement, separating_axes, shown_share

DEEPEST = "conv_43"
# Of the coarsest integers in which positions are stored.
HALF_STEP = 0.51 / 96


def astray(watched: Watched, position: np.ndarray) -> float:
    """How far the points of the page are at most from positions along its axes, in halves of an integer."""
    axes = np.array(watched.handle("camera")["axes"])
    # In a plane the third axis is zero.
    assert np.allclose(axes @ axes.T, np.diag([1, 1, len(axes[0]) > 2]), atol=1e-8)
    there = np.array(watched.handle("positions")).reshape(-1, 3)
    error = np.linalg.norm(there - position.reshape(-1, len(axes[0])) @ axes.T, axis=1).max()
    return float(error) / (HALF_STEP * len(axes[0]) ** 0.5)


@pytest.fixture(scope="module")
def shown(browser, file):
    """One page for the tests that leave it as it was."""
    with opened(browser, file.as_uri()) as watched:
        yield watched


def layer_of(content, name: str = DEEPEST, condition: int = 0):
    return content.conditions[condition].layers[name]


def test_one_file_opens_from_the_disk_and_asks_for_nothing(fresh, file):
    assert fresh.page.get_attribute("#atlas", "data-ready") == "true"
    assert fresh.asked == [file.as_uri()]
    assert fresh.complaints == []
    fresh.handle("set", {"condition": "attack", "step": 1, "layer": "0"})
    fresh.page.get_by_text("Export", exact=True).click()
    fresh.page.get_by_role("button", name="Save table").click()
    assert [each for each in fresh.asked if not each.startswith("blob:")] == [file.as_uri()]
    assert fresh.complaints == []


def test_a_folder_opens_behind_pythons_file_server(browser, store, content, tmp_path):
    write_folder(store, tmp_path / "site")
    with served(tmp_path / "site") as address, opened(browser, address) as watched:
        assert astray(watched, layer_of(content).regions(3).position) < 1
        watched.handle("set", {"step": 0})
    assert watched.complaints == []
    assert {each for each in watched.asked if not each.startswith(address)} == set()
    chunks = [each.removeprefix(address) for each in watched.asked if "/position/c/" in each]
    assert len(chunks) == len(set(chunks)), "what was read once is not read again"


def posterior_of(content, layer, condition, step: int) -> np.ndarray:
    """Class probabilities of all regions, in all dimensions and calibrated, as a study has them."""
    given, direction = layer.regions(step), torch.from_numpy(condition.direction[step]).double()
    embedding = torch.from_numpy(layer.unit * given.position.astype(np.float64))
    scores = log_posterior(embedding, direction, content.kappa_max)
    temperature = 1.0 if given.temperatures is None else given.temperatures.of(embedding.norm(dim=-1))
    return at_temperature(scores, temperature).exp().reshape(-1, len(content.classes)).numpy()


@pytest.fixture(scope="module")
def nine(browser, tmp_path_factory):
    """An atlas of nine dimensions, calibrated, one image of which nothing is known; its content and its page."""
    content = invent(images=20, dimensions=9, steps=3, layers=1, model=False)
    (name, layer), training = *content.conditions[0].layers.items(), content.conditions[0]

    def regions(step: int):
        given = layer.regions(step)
        known, nothing = given.temperatures, torch.arange(20) == 7
        ends = (each.masked_fill(nothing, torch.inf) for each in (known.weak, known.strong))
        temperatures = Temperatures(*ends, known.unit)
        confidence = np.where(np.arange(20)[:, None] == 7, 0.1, given.confidence)
        mask, reliable = (np.where(np.arange(20)[:, None] == 7, False, at) for at in (given.mask, given.reliable))
        return replace(given, temperatures=temperatures, confidence=confidence, mask=mask, reliable=reliable)

    training = replace(training, layers={name: replace(layer, regions=regions)})
    content = replace(content, conditions=(training, *content.conditions[1:]))
    folder = tmp_path_factory.mktemp("nine")
    write_store(folder / "store", content)
    write_single(folder / "store", folder / "atlas.html")
    with opened(browser, (folder / "atlas.html").as_uri()) as watched:
        yield content, watched


def test_probabilities_of_nine_dimensions_and_a_temperature_are_the_studys(nine):
    content, watched = nine
    for condition in content.conditions:
        (layer,) = condition.layers.values()
        for step in range(len(condition.steps)):
            watched.handle("set", {"condition": condition.key, "step": step})
            wanted = posterior_of(content, layer, condition, step)
            shown = np.array([watched.handle("posterior", point) for point in range(0, len(wanted), 7)])
            assert np.abs(shown - wanted[::7]).max() < 5e-3
            assert np.abs(shown.max(axis=1) - layer.regions(step).confidence.ravel()[::7]).max() < 5e-3
    watched.handle("set", {"condition": "training", "step": 2})


def test_the_page_sees_nine_dimensions_as_a_figure_does(nine):
    content, watched = nine
    (training, *_), labels = content.conditions, set(range(10))
    (layer,) = training.layers.values()
    directions = [torch.from_numpy(at) for at in training.direction]
    watched.handle("set", {"space": "images"})
    for step in (2, 0):
        watched.handle("set", {"step": step})
        wanted = separating_axes(directions[step], arrangement(directions[-1]))
        facts = watched.handle("facts")
        assert not facts["exact"]
        assert set(facts["classes"]) == labels
        assert np.abs(np.array(watched.handle("camera")["axes"]) - wanted.numpy()).max() < 1e-4
        assert facts["depth"] == pytest.approx(shown_share(directions[step], wanted))
        assert facts["screen"] == pytest.approx(shown_share(directions[step], wanted[:2]))
        assert watched.handle("positions")
    watched.handle("set", {"space": "regions", "step": 2})
    assert astray(watched, layer.regions(2).position) < 1
    watched.page.wait_for_selector(".view-note:has-text('what separates all classes')")


@pytest.mark.parametrize("classes", [[4, 1], [7, 2, 5], [0, 3, 6, 9]])
def test_up_to_four_classes_are_seen_exactly(nine, classes):
    content, watched = nine
    directions = torch.from_numpy(content.conditions[0].direction[2])[sorted(classes)]
    watched.handle("flyTo", classes)
    axes = np.array(watched.handle("camera")["axes"])
    assert np.abs(axes - separating_axes(directions).numpy()).max() < 1e-4
    assert watched.handle("facts")["exact"]
    watched.page.wait_for_selector(".view-note:has-text('Exact view of')")
    # The link keeps it, and the step does not.
    assert "camera=" in watched.page.evaluate("patternscope.set({ step: 1 }).then(() => location.hash)")
    earlier = torch.from_numpy(content.conditions[0].direction[1])[sorted(classes)]
    assert np.abs(np.array(watched.handle("camera")["axes"]) - separating_axes(earlier).numpy()).max() < 1e-4
    watched.handle("set", {"camera": None, "step": 2})


def test_an_arrow_is_dragged_and_the_projection_follows(nine):
    content, watched = nine
    watched.page.locator(".stage").scroll_into_view_if_needed()
    before = np.array(watched.handle("camera")["axes"])
    box = watched.handle("camera")["rect"]
    tips = watched.page.evaluate(
        "[...document.querySelectorAll('.overlay .arrow path:last-child')].map((tip) => {"
        " const box = tip.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })"
    )
    middle = np.array([box["left"] + box["width"] / 2, box["top"] + box["height"] / 2])
    tip = max(tips, key=lambda tip: float(np.linalg.norm(np.array(tip) - middle)))
    outwards = (np.array(tip) - middle) / np.linalg.norm(np.array(tip) - middle)
    start, end = np.array(tip) + 4 * outwards, middle + 60 * np.array([outwards[1], -outwards[0]])
    watched.page.mouse.move(*start)
    watched.page.mouse.down()
    watched.page.mouse.move(*end, steps=8)
    watched.page.mouse.up()
    axes = np.array(watched.handle("camera")["axes"])
    assert np.abs(axes - before).max() > 0.05
    assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    assert astray(watched, content.conditions[0].layers[content.layers[0]].regions(2).position) < 1
    watched.handle("set", {"camera": None})
    assert np.abs(np.array(watched.handle("camera")["axes"]) - before).max() < 1e-9


def test_a_region_has_its_evidence_and_its_stability(nine):
    content, watched = nine
    (layer,) = content.conditions[0].layers.values()
    regions, point = layer.regions(2), 24 * 3 + 5
    watched.handle("set", {"image": 3, "selection": [point], "step": 2})
    said = watched.page.inner_text(".facts").replace("\u00a0", " ").replace("−", "-")
    own, category = content.classes[content.labels[3]], content.classes[regions.category[3, 5]]
    assert f"{regions.bits[3, 5]:.2f} bits for {own}; " in said
    assert f"a point of {category} in {round(6 * regions.stability[3, 5])} of 6 refits" in said
    assert "in all of 6 refits" in watched.page.inner_text(".main-image")
    watched.handle("set", {"condition": "attack", "step": 3})
    assert "refits" not in watched.page.inner_text(".facts")
    assert "bits for" in watched.page.inner_text(".facts").replace("\u00a0", " ")
    watched.handle("set", {"condition": "training", "step": 2, "selection": []})


def test_nothing_is_predicted_of_an_image_of_which_nothing_is_known(nine):
    _, watched = nine
    watched.handle("set", {"image": 7, "selection": [24 * 7 + 2]})
    said = watched.page.inner_text("#atlas").replace("\u00a0", " ")
    assert "has no evidence about the image here: every class has p = 0.10" in said
    assert "Every class, p = 0.10: not a knowledge point" in said
    assert watched.handle("posterior", 24 * 7 + 2) == pytest.approx([0.1] * 10)
    watched.handle("set", {"image": 0, "selection": []})


def test_evidence_comes_first_and_is_a_colour_on_one_scale(shown, content):
    shown.handle("set", {"condition": "training", "layer": "2", "step": 3, "colour": "evidence"})
    said = shown.page.locator(".map .finding p").all_inner_texts()
    best = max(content.layers, key=lambda name: layer_of(content, name).evidence[3, 0, 0])
    value, low, high = layer_of(content, best).evidence[3, 0]
    assert said[0].startswith(f"Step 1000: {best} has the most evidence, {value:.2f} (")
    assert f"({low:.2f} to {high:.2f})" in said[0].replace("\u00a0", " ")
    assert "with permuted targets" in said[1]
    assert said[2] == "One network: another training may differ by more than these intervals."
    legend = shown.page.inner_text(".legend")
    shown.handle("set", {"step": 1})
    assert shown.page.inner_text(".legend") == legend
    assert "3.32 bits" in legend
    shown.handle("set", {"step": 3, "colour": "true"})


def make_old(store: Path) -> None:
    """A store as version 1 was written: integers as they are, and no temperatures, units and evidence."""
    group = zarr.open_group(store, mode="r+")
    group.attrs["version"] = 1
    del group.attrs["evidence"]
    for name, array in list(group.members(max_depth=None)):
        if "planes" not in array.attrs:
            continue
        values = np.stack([from_planes(np.asarray(step), tuple(array.attrs["planes"])) for step in array])
        scale = list(array.attrs["scale"])
        chunks = (1, *values.shape[1:])
        options = {"attributes": {"scale": scale}, "compressors": GzipCodec(), "overwrite": True}
        group.create_array(name, data=values, chunks=chunks, **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(store)


def test_the_atlas_of_an_earlier_version_opens(browser, tmp_path):
    content = invent(images=20, layers=2, steps=2, calibrated=False)
    write_store(tmp_path / "new", content)
    with opened(browser, broken(tmp_path / "new", tmp_path, make_old).as_uri()) as watched:
        assert watched.complaints == []
        training = content.conditions[0]
        layer = training.layers[content.layers[-1]]
        wanted = posterior_of(content, layer, training, 1)[30]
        assert np.abs(np.array(watched.handle("posterior", 30)) - wanted).max() < 5e-3
        assert astray(watched, layer.regions(1).position) < 1
        said = watched.page.inner_text("#atlas")
        assert "evidence was not measured" in said
        assert "Chance not measured." in said
        assert "most evidence" not in said
        assert "bits" not in said
        assert "refits" not in said
        assert "evidence" not in watched.page.locator('[aria-label="Colour by"] option').all_inner_texts()


def test_any_point_has_the_same_values_in_python_and_on_the_page(shown, content):
    rng = np.random.default_rng(5)
    for place, condition in enumerate(content.conditions):
        for key, name in enumerate(content.layers):
            step = int(rng.integers(len(condition.steps)))
            shown.handle("set", {"condition": condition.key, "layer": str(key), "step": step})
            given = layer_of(content, name, place).regions(step)
            assert astray(shown, given.position) < 1
            point = int(rng.integers(given.category.size))
            wanted = posterior_of(content, layer_of(content, name, place), condition, step)[point]
            assert np.abs(np.array(shown.handle("posterior", point)) - wanted).max() < 5e-3
    shown.handle("set", {"condition": "training", "layer": "2", "step": 3})


def test_a_morph_ends_where_the_step_is(browser, file, content):
    with opened(browser, file.as_uri()) as watched:
        watched.page.emulate_media(reduced_motion="no-preference")
        for step in (0, 2, 1, 3):
            watched.handle("set", {"step": step})
            assert astray(watched, layer_of(content).regions(step).position) < 1
            assert watched.handle("state")["step"] == step


def projected(watched: Watched, points: np.ndarray) -> np.ndarray:
    """As the document says it."""
    camera = watched.handle("camera")
    matrix = np.array(camera["matrix"]).reshape(4, 4).T
    x, y, _, w = (np.c_[points, np.ones(len(points))] @ matrix.T).T
    rect = camera["rect"]
    left = rect["left"] + (x / w + 1) / 2 * rect["width"]
    return np.stack([left, rect["top"] + (1 - y / w) / 2 * rect["height"]], axis=1)


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Even-odd rule, an edge at a time."""
    found = np.zeros(len(points), bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y1 > points[:, 1]) != (y2 > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = x1 + (points[:, 1] - y1) / (y2 - y1) * (x2 - x1)
        found ^= crosses & (points[:, 0] < x)
    return found


def test_a_lasso_chooses_what_python_projects_into_it(shown, content):
    points = layer_of(content).regions(3).position.reshape(-1, 3) @ np.array(shown.handle("camera")["axes"]).T
    flat = projected(shown, points)
    assert np.abs(np.array(shown.handle("projected")).reshape(-1, 2) - flat).max() < 0.5
    middle = np.median(flat, axis=0)
    far, near = np.quantile(np.linalg.norm(flat - middle, axis=1), [0.5, 0.2])
    turns = np.arange(10) * np.pi / 5
    star = middle + np.stack([np.cos(turns), np.sin(turns)], axis=1) * np.array([far, near] * 5)[:, None]
    polygon = star
    moves = 0.9 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    near_edge = np.any([inside(flat + move, polygon) != inside(flat, polygon) for move in moves], axis=0)
    wanted = set(np.flatnonzero(inside(flat, polygon)))
    found = set(shown.handle("lasso", polygon.tolist()))
    assert 50 < len(found) < len(points) / 2
    assert found ^ wanted <= set(np.flatnonzero(near_edge))
    shown.handle("set", {"filter": {"decided": "misclassified"}})
    wrong = set(shown.handle("lasso", polygon.tolist()))
    shown.handle("set", {"filter": {"decided": "any"}})
    predicted = content.conditions[0].predictions[3]
    assert wrong == {each for each in found if predicted[each // 24] != content.labels[each // 24]} != set()


def test_density_is_drawn_of_each_colour_with_enough_points(fresh, content):
    points = layer_of(content).regions(3).mask.ravel()
    counts = np.bincount(np.repeat(content.labels, 24)[points], minlength=10)
    assert (counts >= 40).sum() > 0
    button = fresh.page.get_by_role("button", name="Density")
    button.click()
    fresh.page.locator(".contour").first.wait_for(state="attached")
    assert fresh.page.locator(".contour").count() == 2 * (counts >= 40).sum()
    button.click()
    fresh.page.locator(".contour").first.wait_for(state="detached")


def test_a_pick_finds_the_point_under_the_pointer(shown, content):
    flat = np.array(shown.handle("projected")).reshape(-1, 2)
    farthest = int(np.argmax(np.linalg.norm(flat - flat.mean(axis=0), axis=1)))
    assert shown.handle("pick", *flat[farthest]) == farthest
    rect = shown.handle("camera")["rect"]
    assert shown.handle("pick", rect["left"] + 1, rect["top"] + 1) == -1


def is_free(watched: Watched, place: np.ndarray, point: int) -> bool:
    """Nothing covers a point: neither another nor a name."""
    over = watched.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('text, button, a')", place.tolist()
    )
    return over is None and watched.handle("pick", *place) == point


def test_a_click_on_a_region_chooses_its_point_and_back(fresh, content):
    fresh.handle("set", {"image": 17})
    picture = fresh.page.locator('[data-image="17"]').first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    row, column = 2, 4
    picture.click(position={"x": (column + 0.5) / 6 * box["width"], "y": (row + 0.5) / 4 * box["height"]})
    assert fresh.handle("state")["selection"] == [17 * 24 + row * 6 + column]
    fresh.page.locator(".stage").scroll_into_view_if_needed()
    flat = np.array(fresh.handle("projected")).reshape(-1, 2)
    alone = next(each for each in range(18 * 24, len(flat)) if is_free(fresh, flat[each], each))
    fresh.page.mouse.click(*flat[alone])
    fresh.until(selection=[alone], image=alone // 24)


def test_every_class_has_coloured_pixels(shown, content):
    shown.page.locator(".stage").scroll_into_view_if_needed()
    rect = shown.handle("camera")["rect"]
    clip = {"x": rect["left"], "y": rect["top"], "width": rect["width"], "height": rect["height"]}
    pixels = np.asarray(Image.open(io.BytesIO(shown.page.screenshot(clip=clip))).convert("RGB")).astype(int)
    for mark in named_marks(content.classes):
        colour = np.array([int(mark.colour[at : at + 2], 16) for at in (1, 3, 5)])
        assert (np.abs(pixels - colour).max(axis=2) < 24).sum() > 10, mark.colour


def test_map_and_tables_repeat_the_counts(shown, content):
    shown.page.locator("summary", has_text="Tables").click()
    for key, name in enumerate(content.layers):
        total, reliable = layer_of(content, name).counts[3][:2, 0]
        told, readable = layer_of(content, name).evidence[3][:, 0]
        text = shown.page.inner_text(".map-labels").replace("−", "-")
        said = re.search(rf"{name}\s+(\S+) of (\S+) bits\s+([\d.]+) of ([\d.]+) points", text)
        wanted = [told, readable, reliable, total]
        assert [float(each) for each in said.groups()] == pytest.approx(wanted, abs=0.06), key
    cells = shown.page.locator("table:visible").first.inner_text()
    assert all(name in cells for name in content.layers)
    shown.page.locator("summary", has_text="Tables").click()


def test_the_address_keeps_the_view(browser, file):
    with opened(browser, file.as_uri()) as watched:
        watched.handle("set", {"layer": "1", "step": 1, "colour": "reliability", "image": 9, "selection": [70]})
        before, address = watched.handle("state"), watched.page.url
    with opened(browser, address) as watched:
        assert watched.handle("state") == before


def test_the_address_keeps_the_camera(browser, file):
    with opened(browser, file.as_uri()) as watched:
        first = watched.handle("camera")["matrix"]
        watched.page.get_by_role("button", name="Zoom in").click()
        watched.handle("set", {})
        zoomed, address = watched.handle("camera")["matrix"], watched.page.url
    with opened(browser, address) as watched:
        assert watched.handle("camera")["matrix"] == pytest.approx(zoomed, abs=0.01)
        assert zoomed != pytest.approx(first, abs=0.01)


def test_another_address_is_the_whole_view(fresh):
    fresh.handle("set", {"layer": "1", "colour": "strength", "filter": {"classes": [1]}, "selection": [70]})
    fresh.page.evaluate("location.hash = '#layer=0&step=1'")
    fresh.until(layer="0", step=1)
    state = fresh.handle("state")
    assert (state["colour"], state["selection"], state["filter"]["classes"]) == ("true", [], [])


def test_downloads_hold_the_picture_and_the_points(fresh, content, tmp_path):
    fresh.handle("set", {"filter": {"classes": [2]}})
    fresh.page.get_by_text("Export", exact=True).click()
    with fresh.page.expect_download() as table:
        fresh.page.get_by_role("button", name="Save table").click()
    table.value.save_as(tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 1 + 24 * (content.labels == 2).sum()
    fresh.page.get_by_text("Export", exact=True).click()
    with fresh.page.expect_download() as picture:
        fresh.page.get_by_role("button", name="Save picture").click()
    picture.value.save_as(tmp_path / "picture.png")
    assert Image.open(io.BytesIO((tmp_path / "picture.png").read_bytes())).format == "PNG"


def test_the_space_follows_the_systems_theme(fresh):
    rect = fresh.handle("camera")["rect"]
    corner = {"x": rect["left"] + 4, "y": rect["top"] + 4, "width": 8, "height": 8}

    def brightness() -> float:
        return float(np.asarray(Image.open(io.BytesIO(fresh.page.screenshot(clip=corner))).convert("L")).mean())

    fresh.page.emulate_media(color_scheme="light")
    assert brightness() > 240
    fresh.page.emulate_media(color_scheme="dark")
    fresh.handle("set", {})
    assert brightness() < 40


CONTROLS = "button, input, select, textarea, a[href], summary, [tabindex='0']"


def test_every_control_is_reached_by_tab_and_has_a_name(fresh):
    page = fresh.page
    names = page.evaluate(
        """selector => [...document.querySelectorAll(selector)].filter(each => each.checkVisibility() && !each.disabled
           && each.tabIndex >= 0).map(each => each.ariaLabel || (each.labels && each.labels[0]?.innerText)
           || each.innerText || each.title || "")""",
        CONTROLS,
    )
    assert names
    assert all(name.strip() for name in names), names
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(4 * len(names)):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 300)"))
    for role, name in (("slider", "Step"), ("combobox", "Layer"), ("combobox", "View"), ("button", "Play")):
        one = page.get_by_role(role, name=name, exact=False).first
        assert one.evaluate("each => each.outerHTML.slice(0, 300)") in reached, name


def test_the_keyboard_alone_changes_step_layer_and_point(fresh):
    page = fresh.page
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("ArrowLeft")
    fresh.until(step=2)
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("[")
    fresh.until(step=1)
    page.get_by_role("combobox", name="Layer").focus()
    page.keyboard.press("ArrowUp")
    fresh.until(layer="1")
    page.keyboard.press("Escape")
    fresh.until(selection=[])
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("]")
    fresh.until(step=2)
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    assert page.locator("[aria-live], [role=status]").count() > 0


def broken(store: Path, folder: Path, change) -> Path:
    shutil.copytree(store, folder / "store")
    change(folder / "store")
    write_single(folder / "store", folder / "atlas.html")
    return folder / "atlas.html"


def set_version(store: Path) -> None:
    path = store / "zarr.json"
    written = json.loads(path.read_text())
    written["attributes"]["version"] = 7
    path.write_text(json.dumps(written))


def test_an_unknown_version_is_a_sentence(browser, store, tmp_path):
    with opened(browser, broken(store, tmp_path, set_version).as_uri()) as watched:
        assert watched.page.get_attribute("#atlas", "data-error") == "version"
        assert "7" in watched.page.inner_text("[role=alert]")


def cut_root(store: Path) -> None:
    path = store / "zarr.json"
    written = json.loads(path.read_text())
    del written["attributes"]["conditions"]
    path.write_text(json.dumps(written))


def test_a_damaged_root_is_a_sentence(browser, store, tmp_path):
    with opened(browser, broken(store, tmp_path, cut_root).as_uri()) as watched:
        assert watched.page.get_attribute("#atlas", "data-error") == "damaged"
        assert len(watched.page.inner_text("[role=alert]")) > 20


def cut_points(store: Path) -> None:
    (store / "layers/2/training/position/c/3/0/0/0").unlink()
    (store / "layers/2/training/knowledge/c/2/0").write_bytes(b"\x1f\x8b no gzip")


def test_a_missing_chunk_is_a_sentence_and_the_rest_works(browser, store, content, tmp_path):
    with opened(browser, broken(store, tmp_path, cut_points).as_uri()) as watched:
        assert watched.page.locator("[role=alert]:visible").count() > 0
        watched.handle("set", {"step": 1})
        assert astray(watched, layer_of(content).regions(1).position) < 1
        assert watched.page.locator("[role=alert]:visible").count() == 0


NO_WEBGL = """HTMLCanvasElement.prototype.getContext = new Proxy(HTMLCanvasElement.prototype.getContext, {
    apply: (get, canvas, given) => /webgl/.test(given[0]) ? null : Reflect.apply(get, canvas, given) });"""


# Software that draws in the place of a GPU says so; without its name it is taken for one.
AS_GPU = (
    "WebGL2RenderingContext.prototype.getParameter = new Proxy(WebGL2RenderingContext.prototype.getParameter, {"
    " apply: (get, context, given) => given[0] === 0x9246 ? 'GPU' : Reflect.apply(get, context, given) });"
)


def drawn(watched: Watched) -> np.ndarray:
    """The pixels of the points (h, w, 3), read before the browser shows them, when a GPU forgets them."""
    again = "await patternscope.set({}); return document.querySelector('.stage canvas').toDataURL('image/png')"
    address = watched.page.evaluate(f"(async () => {{ {again} }})()")
    picture = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1])))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_points_are_the_same_pixels_with_a_gpu_and_without(browser, file, tmp_path):
    shaped = invent(images=24, classes=17, layers=1, attack=False)
    write_store(tmp_path / "store", shaped)
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    student = f"condition={shaped.conditions[-1].key}"
    for address in (f"{file.as_uri()}#{student}", (tmp_path / "atlas.html").as_uri()):
        pictures = []
        for script, kind in ((AS_GPU, "webgl2"), (NO_WEBGL, "2d"), (None, "2d")):
            with opened(browser, address, script=script) as watched:
                assert watched.page.locator("[role=alert]:visible").count() == 0
                canvas = "document.querySelector('.stage canvas')"
                assert watched.page.evaluate(f"{canvas}.getContext('{kind}') !== null")
                pictures.append(drawn(watched))
        gpu, plain, software = pictures
        assert np.array_equal(plain, software)
        coloured = (np.ptp(plain, axis=2) > 60).mean()
        assert coloured > 0.01
        # On the edges of points alone, where rounding decides.
        assert (np.abs(gpu - plain).max(axis=2) > 30).mean() < 0.05 * coloured


def test_a_lost_context_is_said_and_the_points_come_back(browser, file):
    with opened(browser, file.as_uri(), script=AS_GPU) as fresh:
        lose = "canvas.getContext('webgl2').getExtension('WEBGL_lose_context')"
        find = "const canvas = [...document.querySelectorAll('canvas')].find(each => each.getContext('webgl2'));"
        fresh.page.evaluate(f"() => {{ {find} window.lost = {lose}; window.lost.loseContext(); }}")
        fresh.page.wait_for_selector('[role=alert][data-notice="context"]')
        fresh.page.evaluate("window.lost.restoreContext()")
        fresh.page.wait_for_selector('[role=alert][data-notice="context"]', state="detached")
        fresh.handle("set", {"step": 0})
        assert fresh.handle("state")["step"] == 0


@pytest.mark.parametrize(
    "shape",
    [
        {"classes": 2, "dimensions": 2, "steps": 1, "layers": 1, "attack": False, "model": False},
        {"classes": 40, "images": 80, "dimensions": 5, "steps": 2, "layers": 2, "importance": False},
    ],
    ids=["two classes in a plane, one checkpoint", "forty classes in five dimensions"],
)
def test_other_shapes_of_study(browser, tmp_path, shape):
    content = invent(**shape)
    write_store(tmp_path / "store", content)
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        assert watched.complaints == []
        last = content.conditions[0]
        position = last.layers[content.layers[-1]].regions(len(last.steps) - 1).position
        assert astray(watched, position) < 1
        for name in content.classes:
            # A name too long for its place is cut, and whole for whoever points at it or listens.
            assert watched.page.locator(f'[title*="{name}"], [aria-label*="{name}"]').count() > 0, name
        watched.page.wait_for_selector(".view-note:not(:empty)")


def test_what_is_left_out_is_on_the_page(browser, content, tmp_path):
    less = replace(content, omitted=("Importance maps are omitted.",))
    write_store(tmp_path / "store", less)
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        assert "Importance maps are omitted." in watched.page.inner_text("#atlas")


@pytest.mark.slow
def test_a_million_points_open_turn_and_are_picked(browser, tmp_path):
    content = invent(images=5000, grid=(20, 10), steps=1, layers=1, side=8, attack=False, model=False, importance=False)
    write_store(tmp_path / "store", content)
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        before = np.array(watched.handle("camera")["matrix"])
        watched.page.locator(".stage").scroll_into_view_if_needed()
        stage = watched.handle("camera")["rect"]
        middle = (stage["left"] + stage["width"] / 2, stage["top"] + stage["height"] / 2)
        watched.page.mouse.move(*middle)
        watched.page.mouse.down()
        watched.page.mouse.move(middle[0] + 120, middle[1] + 30, steps=3)
        watched.page.mouse.up()
        assert np.abs(np.array(watched.handle("camera")["matrix"]) - before).max() > 0.01
        flat = watched.page.evaluate("Array.from(patternscope.projected().slice(0, 2))")
        assert watched.handle("pick", *flat) >= 0
        there = watched.page.evaluate("Array.from(patternscope.positions().slice(-3))")
        axes = np.array(watched.handle("camera")["axes"])
        wanted = axes @ layer_of(content, content.layers[0]).regions(0).position.reshape(-1, 3)[-1]
        assert np.abs(np.array(there) - wanted).max() < 1e-2
        assert watched.complaints == []
