"""The first screen: its finding, the map that is the slider, one image through depth and training, any screen."""

import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas.invented_atlas import invent
from atlas.pages import Watched, opened, plain
from patternscope.atlas.page import write_single
from patternscope.atlas.store import write_store

AXE = Path(__file__).parents[2] / "viewer/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def shown(browser, file):
    """One page for the tests that leave it as it was."""
    with opened(browser, file.as_uri()) as watched:
        yield watched


def evidence(content) -> dict[str, float]:
    return {name: layer.evidence[-1, 0, 0] for name, layer in content.conditions[0].layers.items()}


def test_the_title_is_the_finding(shown, content):
    bits = evidence(content)
    best, least = max(bits, key=bits.get), min(bits, key=bits.get)
    title = plain(shown.page.inner_text("h1"))
    assert f"{best} tells {bits[best]:.2f} bits per region, {least} {bits[least]:.2f}" in title
    assert re.match(r"In \S+ classes emerge (at|between) steps? \d|No class emerges", title)
    assert content.title in shown.page.inner_text(".study")
    assert "Knowledge point:" in shown.page.inner_text(".definition")


def test_each_question_is_an_address_with_its_answer(browser, file, shown):
    links = shown.page.locator(".rail a")
    assert links.count() == 5
    addresses = [links.nth(each).get_attribute("href") for each in range(5)]
    assert len(set(addresses)) == 5
    assert all(text.strip().endswith(".") for text in links.locator("span").all_inner_texts())
    with opened(browser, file.as_uri() + addresses[4]) as watched:
        assert watched.handle("state")["condition"] == "attack"
        assert watched.page.locator('.rail a[aria-current="true"]').last.get_attribute("href") is not None
        watched.page.locator(".rail a").first.click()
        watched.until(condition="training")


def cursor_place(watched: Watched) -> tuple[float, float]:
    box = watched.page.get_by_role("slider", name="Step").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_line_through_the_map_is_the_slider(fresh):
    slider = fresh.page.get_by_role("slider", name="Step")
    assert slider.get_attribute("aria-valuemax") == "3"
    ends = {}
    for step in (0, 1, 3):
        fresh.handle("set", {"step": step})
        ends[step] = cursor_place(fresh)
    # Steps 0, 143 and 1000: true spacing.
    share = (ends[1][0] - ends[0][0]) / (ends[3][0] - ends[0][0])
    assert share == pytest.approx(0.143, abs=0.01)
    fresh.page.mouse.move(*ends[3])
    fresh.page.mouse.down()
    fresh.page.mouse.move(ends[1][0] + 4, ends[1][1], steps=4)
    fresh.page.mouse.up()
    fresh.until(step=1)
    slider.focus()
    for key, step in (("ArrowRight", 2), ("End", 3), ("Home", 0), ("ArrowLeft", 0)):
        fresh.page.keyboard.press(key)
        fresh.until(step=step)
    assert slider.get_attribute("aria-valuetext").startswith("step 0")


def test_a_click_on_the_map_chooses_layer_and_step(fresh, content):
    places = {}
    for step in (1, 3):
        fresh.handle("set", {"step": step})
        places[step] = cursor_place(fresh)[0]
    rows = fresh.page.locator(".map-row")
    assert rows.count() == 3
    # The deepest layer is on top.
    assert fresh.page.locator(".layer-name").all_inner_texts() == list(reversed(content.layers))
    box = rows.nth(2).bounding_box()
    fresh.page.mouse.click(places[1] + 2, box["y"] + box["height"] / 2)
    fresh.until(layer="0", step=1)
    fresh.page.locator(".layer-label").first.click()
    fresh.until(layer="2", step=1)


def test_the_row_of_a_layer_has_its_numbers_with_intervals(shown, content):
    shown.handle("set", {"step": 3})
    for name, layer in content.conditions[0].layers.items():
        title = plain(shown.page.locator(".layer-label", has_text=name).get_attribute("title"))
        value, low, high = layer.evidence[3, 0]
        assert f"{value:.2f} ({low:.2f} to {high:.2f}) bits per region" in title
        assert "reliable of" in title


def test_names_of_classes_stand_where_they_emerge(shown, content):
    drawn = shown.page.evaluate(
        "[...document.querySelectorAll('.emerged')].map(group =>"
        " [...group.querySelectorAll('text')].map(one => one.textContent))"
    )
    assert len(drawn) == 3
    for names in drawn:
        more = sum(int(name[1:]) for name in names if name.startswith("+"))
        assert set(names) - {name for name in names if name.startswith("+")} <= set(content.classes)
        assert len(names) + more <= len(content.classes) + 3


# Boxes of all texts of the map, and places on its curves, each a pixel or less from the next.
LABELS = """[...document.querySelectorAll(
    ".map-area :is(text, .layer-name, .layer-counts > span, .accuracy-label, .flag)")].filter(one => one.textContent)
  .map(one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    const { left, top, right, bottom } = range.getBoundingClientRect();
    return [one.textContent, left, top, right, bottom];
  })"""
CURVES = """[...document.querySelectorAll(".map-area > svg:first-of-type :is(g[aria-label] path, .at)")]
  .flatMap(path => {
    const [length, matrix] = [path.getTotalLength(), path.getScreenCTM()];
    return Array.from({ length: Math.ceil(length) + 1 }, (_, at) => {
      const { x, y } = path.getPointAtLength(Math.min(at, length)).matrixTransform(matrix);
      return [x, y];
    });
  })"""
SMALLEST_OVERLAP = 1  # pixel; the boxes of letters are a little higher than these


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (1920, 1080)])
def test_no_label_of_the_map_lies_on_a_curve_or_on_another(browser, file, width, height):
    with opened(browser, file.as_uri()) as watched:
        watched.page.set_viewport_size({"width": width, "height": height})
        watched.settled_width(width)
        # A legend of several rows: the map is drawn again once it has its width.
        watched.settled(lambda: watched.page.locator(".map-area .narrow").count(), int(width < 640))
        labels, curves = watched.page.evaluate(LABELS), np.array(watched.page.evaluate(CURVES))
    assert len(labels) > 20
    assert {"accuracy", "conv_43", "lifeboat"} <= {text for text, *_ in labels}
    assert len(curves) > 3 * width
    edge = SMALLEST_OVERLAP
    boxes = {(place, text): box for place, (text, *box) in enumerate(labels)}
    crossed = [
        text
        for (_, text), (left, top, right, bottom) in boxes.items()
        if ((curves > (left, top + edge)) & (curves < (right, bottom - edge))).all(axis=1).any()
    ]
    assert crossed == []
    covered = [
        (one[1], other[1])
        for (one, a), (other, b) in itertools.combinations(boxes.items(), 2)
        if min(a[2], b[2]) - max(a[0], b[0]) > edge and min(a[3], b[3]) - max(a[1], b[1]) > 3 * edge
    ]
    assert covered == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_line_of_the_step_runs_behind_the_labels(browser, file, scheme):
    with opened(browser, file.as_uri() + "#layer=0&step=2", color_scheme=scheme) as watched:
        watched.page.set_viewport_size({"width": 390, "height": 844})
        watched.settled(watched.page.locator(".map-area .narrow").count, 1)
        slider = watched.page.get_by_role("slider", name="Step").bounding_box()
        line = slider["x"] + slider["width"] / 2
        counts = watched.page.locator(".layer-counts").first.bounding_box()
        assert counts["x"] < line < counts["x"] + counts["width"]
        box = {"x": line - 3, "y": counts["y"], "width": 6, "height": counts["height"]}
        label = np.asarray(Image.open(io.BytesIO(watched.page.screenshot(clip=box))).convert("RGB")).astype(int)
        # The line is there, below the label, and in front of nothing but the chart.
        below = {**box, "y": counts["y"] + 40, "height": 4}
        chart = np.asarray(Image.open(io.BytesIO(watched.page.screenshot(clip=below))).convert("RGB")).astype(int)
    colour = np.array([31, 95, 168]) if scheme == "light" else np.array([125, 180, 240])
    near = [(np.abs(picture - colour).max(axis=2) < 30) for picture in (label, chart)]
    assert not near[0].any()
    assert near[1].any(axis=1).all()


def test_an_attack_has_its_own_steps_and_no_emergence(fresh):
    fresh.handle("set", {"condition": "attack", "step": 2})
    slider = fresh.page.get_by_role("slider", name="Step")
    assert slider.get_attribute("aria-valuetext") == "attack step 4"
    assert fresh.page.locator(".map-row").count() == 0
    assert fresh.page.locator(".class-grid:visible").count() == 0
    fresh.handle("set", {"condition": "student-logits"})
    assert slider.is_hidden()


def test_a_tile_chooses_layer_and_step_and_a_chip_an_image(fresh, content):
    tiles = fresh.page.locator(".tiles .picture")
    tiles.first.wait_for()
    assert tiles.count() == 3 * 4
    tiles.nth(4 * 2 + 1).click()
    fresh.until(layer="0", step=1)
    fresh.page.locator(".tiles").focus()
    fresh.page.keyboard.press("ArrowUp")
    fresh.until(layer="1", step=1)
    predictions = content.conditions[0].predictions[-1]
    fresh.page.get_by_role("button", name="misclassified").click()
    image = fresh.handle("state")["image"]
    assert predictions[image] != content.labels[image]
    seen = set()
    for _ in range(3):
        fresh.page.get_by_role("button", name="typical").click()
        seen.add(fresh.handle("state")["image"])
    assert len(seen) == 3
    assert all(predictions[image] == content.labels[image] for image in seen)
    fresh.page.get_by_role("button", name="fooled").click()
    fresh.until(condition="attack")
    image = fresh.handle("state")["image"]
    assert content.conditions[1].attacked[image]
    assert content.conditions[1].success[image]


def test_an_atlas_without_evidence_shows_the_points(browser, tmp_path):
    content = invent(images=20, layers=2, steps=3, calibrated=False, attack=False, model=False)
    write_store(tmp_path / "store", content)
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        assert watched.page.locator(".map-row").count() == 2
        assert "bits" not in watched.page.inner_text(".map")
        reliable, total = (content.conditions[0].layers[content.layers[-1]].counts[2][each, 0] for each in (1, 0))
        assert f"{reliable:.1f} of {total:.1f} points reliable" in watched.page.inner_text(".map-labels")
        assert "reliable points" in watched.page.inner_text("h1")
        assert watched.page.locator(".rail a").count() == 4
        assert watched.complaints == []


def test_one_checkpoint_has_rows_and_no_slider(browser, tmp_path):
    write_store(tmp_path / "store", invent(images=20, steps=1, attack=False, model=False))
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        assert watched.page.locator(".map-row").count() == 2
        assert watched.page.get_by_role("slider", name="Step").count() == 0
        assert "emerge" not in watched.page.inner_text("h1")
        assert watched.complaints == []


WIDTHS = {"phone": (390, 844), "zoomed to 200 %": (683, 384), "tablet": (820, 1180), "wide": (2560, 1440)}


@pytest.mark.parametrize(("width", "height"), WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("condition", ["training", "attack"])
def test_the_page_fits_any_width(fresh, width, height, condition):
    fresh.page.set_viewport_size({"width": width, "height": height})
    fresh.handle("set", {"condition": condition})
    fresh.page.wait_for_timeout(200)
    assert fresh.settled_width(width) == width
    area = fresh.page.locator(".map-area").bounding_box()
    assert area["width"] > 0.9 * width


def test_a_phone_has_the_data_before_the_export(fresh):
    fresh.page.set_viewport_size({"width": 390, "height": 844})
    assert fresh.page.locator(".map-area").bounding_box()["y"] < 560
    below = fresh.page.get_by_text("Export", exact=True).bounding_box()["y"]
    assert below > fresh.page.locator(".regions").bounding_box()["y"]


def test_text_is_large_enough_to_read(shown):
    """Running text has 13 pixels, labels of charts and tables 11."""
    sizes = shown.page.evaluate(
        """[...document.querySelectorAll("#atlas :is(h1, h2, h3, p, a, button, summary, label, td, th, li)")]
           .filter(one => one.checkVisibility() && one.innerText.trim())
           .map(one => [parseFloat(getComputedStyle(one).fontSize), one.tagName, one.className, one.innerText])"""
    )
    small = [one for one in sizes if one[0] < 13 and one[1] in ("H1", "P", "A", "SUMMARY", "LI")]
    assert not small, small


def test_the_line_stands_still_where_motion_is_reduced(fresh):
    moving = fresh.page.evaluate(
        """[...document.querySelectorAll("#atlas *")].filter(one => {
           const style = getComputedStyle(one);
           const lasts = style.transitionDuration.split(",").some(each => parseFloat(each) > 0);
           return style.animationName !== "none" || lasts;
        }).length"""
    )
    assert moving == 0


def audit(watched: Watched) -> list[str]:
    """What axe-core finds: rule, and the first element."""
    watched.page.evaluate(AXE.read_text())
    found = watched.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm ci in viewer)")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_found_by_axe(browser, file, scheme):
    with opened(browser, file.as_uri(), color_scheme=scheme) as watched:
        watched.page.wait_for_selector(".tiles .picture")
        assert audit(watched) == []
        watched.handle("set", {"condition": "attack", "tab": "confusions"})
        assert audit(watched) == []
        watched.page.get_by_role("button", name="How to read").click()
        assert audit(watched) == []


def test_the_print_has_two_pages_with_nothing_split(fresh):
    paper = fresh.page.pdf(format="A4", landscape=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", paper)) == 2


def test_the_keyboard_selects_what_a_lasso_would(fresh, content):
    fresh.handle("set", {"filter": {"classes": [2]}})
    fresh.page.get_by_role("button", name="Select visible").focus()
    fresh.page.keyboard.press("Enter")
    wanted = [int(one) for one in np.flatnonzero(np.repeat(content.labels == 2, 24))]
    fresh.until(selection=wanted)
