"""The questions of docs/how-to/ask-the-atlas.md, asked of the page as the document says."""

import io
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas.pages import opened, plain
from patternscope.figures.drawing.style import named_marks

DOCUMENT = Path(__file__).parents[2] / "docs/how-to/ask-the-atlas.md"
CAT, DOG, BUS, CAR = 3, 5, 1, 2
MOST = 4  # actions


def test_the_document_has_questions_of_four_actions_and_each_is_asked_here():
    questions = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    assert len(questions) == 14
    for question in questions:
        assert len(re.findall(r"^\d\. ", question, flags=re.MULTILINE)) <= MOST
    asked = [
        test.__doc__.removesuffix(".") for name, test in globals().items() if name.startswith("test_") and test.__doc__
    ]
    assert [question.splitlines()[0] for question in questions] == asked


def test_cat_and_dog(fresh, content):
    """When does cat part from dog, and in which layer?"""
    fresh.page.get_by_role("tab", name="Confusions").click()
    fresh.until(tab="confusions")
    cell = fresh.page.get_by_role("button", name="cat taken for dog")
    category = content.conditions[0].layers["conv_43"].regions(3).category[content.labels == CAT]
    assert cell.inner_text() == str(round(100 * (category == DOG).mean()))
    cell.click()
    answer = fresh.page.locator(".pair .finding", has_text="cat and dog part")
    answer.wait_for()
    assert "Rule: " in answer.inner_text()
    assert [chip.split("\n")[0] for chip in fresh.chips()] == ["true class: cat", "region predicts dog"]
    names = fresh.page.locator(".pair-chart text").all_text_contents()
    assert set(content.layers) <= set(names)
    # Pressed again, the cell takes its facets away; the image in view stays.
    image = fresh.handle("state")["image"]
    assert content.labels[image] == CAT
    cell.click()
    fresh.until(sort="number", image=image)
    assert fresh.settled(fresh.chips, []) == []
    cell.click()
    fresh.until(sort="regions", image=image)
    cell.press("ArrowLeft")
    assert fresh.page.evaluate("document.activeElement.ariaLabel").startswith("cat taken for desk")


def test_mistakes(fresh, content):
    """Which images does the network misclassify, and why?"""
    fresh.page.get_by_role("checkbox", name="Wrong only").click()
    fresh.until(sort="wrong")
    training = content.conditions[0]
    wrong = np.flatnonzero(training.predictions[3] != content.labels)
    order = wrong[np.argsort(-training.certainty[3][wrong])]
    shown = fresh.page.locator(".thumb").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert [int(each.split()[1].rstrip(",")) for each in shown] == order[: len(shown)].tolist()
    assert "the network predicts" in shown[0]
    assert set(fresh.visible() // 24) == set(wrong)
    fresh.page.locator(".thumb").first.click()
    fresh.until(image=int(order[0]))
    said = fresh.page.locator(".one-image").inner_text()
    assert f"the network predicts {content.classes[training.predictions[3][order[0]]]}" in said
    assert len(fresh.handle("state")["selection"]) == 1


def test_buses_that_say_car(fresh, content):
    """Which images of buses have regions that predict car?"""
    field = fresh.page.get_by_role("combobox", name="Image", exact=True)
    field.fill("bus as car")
    field.press("Enter")
    fresh.until(sort="regions")
    category = content.conditions[0].layers["conv_43"].regions(3).category
    wanted = (content.labels[:, None] == BUS) & (category == CAR)
    assert (fresh.visible() == np.flatnonzero(wanted)).all()
    counts = wanted.sum(axis=1)
    assert counts[fresh.handle("state")["image"]] == counts.max() > 0
    assert fresh.chips() == ["true class: bus\n×", "region predicts car\n×"]
    assert f"of {(counts > 0).sum()}" in fresh.page.inner_text(".gallery .of")
    # The same facets hold in the space of images, and the colour has no say in them.
    fresh.handle("set", {"space": "images", "colour": "predicted"})
    assert (fresh.visible() == np.flatnonzero(counts)).all()
    fresh.page.get_by_role("button", name="Remove filter: region predicts car").click()
    fresh.page.locator(".facet-chip", has_text="region predicts").wait_for(state="detached")
    assert (fresh.visible() == np.flatnonzero(content.labels == BUS)).all()


def test_an_attack_step_by_step(fresh, content):
    """How does an attack change one image, step by step?"""
    fresh.page.get_by_role("button", name="fooled by the attack").click()
    fresh.until(condition="attack")
    image, attack = fresh.handle("state")["image"], content.conditions[1]
    assert attack.success[image]
    fresh.page.locator("[role=slider][aria-valuetext^=attack]").focus()
    step = fresh.handle("state")["step"]
    fresh.page.keyboard.press("ArrowLeft")
    fresh.until(step=step - 1)
    captions = fresh.page.locator(".board figcaption:visible").all_inner_texts()
    factor = attack.perturbation.factor
    assert captions == ["clean", "attack step 4", f"changed so far, × {factor}; grey: unchanged"]
    fresh.handle("set", {"step": 3})
    assert "by the last step" not in fresh.page.inner_text(".board")
    fresh.handle("set", {"step": 0})
    assert fresh.page.locator(".board figcaption:visible").all_inner_texts() == ["clean"]
    fresh.handle("set", {"step": step - 1})
    cards = fresh.page.locator(".comparison-card")
    assert [each.split("\n")[0] for each in cards.all_inner_texts()] == list(content.layers)
    # The last card's numbers are those of the attacked images' regions.
    headline = plain(fresh.page.inner_text(".comparison .headline"))
    told = [
        float(each)
        for each in re.findall(r"(-?\d+\.\d+) \([^)]*\) bits per region|become (-?\d+\.\d+) \([^)]*\)\.$", headline)
        for each in each
        if each
    ]
    changed = next(name for name in content.layers if f"changes {name} most" in headline)
    layer = attack.layers[changed]
    assert told == [pytest.approx(layer.regions(each).bits[attack.attacked].mean(), abs=0.006) for each in (0, 3)]
    fresh.page.get_by_role("button", name="Region that turned most").click()
    fresh.page.locator(".turned", has_text="°").wait_for()
    (point,) = fresh.handle("state")["selection"]
    layer = attack.layers["conv_43"]
    assert all(layer.regions(each).mask.ravel()[point] for each in (0, 3))


def test_a_student(fresh, content):
    """How does a student differ from its teacher?"""
    student = content.conditions[2]
    fresh.page.get_by_role("combobox", name="View").select_option(student.key)
    fresh.page.locator(".comparison .headline", has_text="differs from its teacher").wait_for()
    assert fresh.page.locator(".comparison-card").count() == len(student.layers)


def test_the_ledger(fresh, content):
    """What did a layer learn and forget between two steps?"""
    fresh.page.get_by_role("tab", name="Ledger").click()
    fresh.page.get_by_role("button", name="First step").click()
    fresh.page.get_by_role("button", name="Show regions: forgotten").click()
    fresh.page.locator(".facet-chip", has_text="forgotten since the first step").wait_for()
    first, last = (content.conditions[0].layers["conv_43"].regions(step).mask for step in (0, 3))
    assert (fresh.visible() == np.flatnonzero(first & ~last)).all()


def test_the_patterns(fresh, content):
    """Which patterns does cat have, and does the network depend on them?"""
    fresh.page.get_by_role("tab", name="Patterns").click()
    fresh.page.get_by_label("Patterns of").select_option(label="cat")
    fresh.page.get_by_role("button", name="cat 1", exact=True).click()
    fresh.page.locator(".facet-chip", has_text="pattern cat 1").wait_for()
    patterns = content.conditions[0].layers["conv_43"].patterns
    cat = next(place for place, each in enumerate(patterns.entries) if each.label == CAT)
    assert (fresh.visible() == np.flatnonzero(patterns.owner.ravel() == cat)).all()
    assert "without other reliable regions" in fresh.page.get_by_role("region", name="Pattern cat 1").inner_text()


def test_a_region_over_training(fresh, content):
    """How did one region become what it is?"""
    picture = fresh.page.locator(".board .picture").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": 4.5 / 6 * box["width"], "y": 2.5 / 4 * box["height"]})
    state = fresh.handle("state")
    assert state["selection"] == [24 * state["image"] + 6 * 2 + 4]
    true = content.classes[content.labels[state["image"]]]
    fresh.page.locator(".steps text", has_text=f"{true} (true)").wait_for()
    assert fresh.page.locator(".depth-p").count() == len(content.layers)


def test_lasso_and_export(fresh, tmp_path):
    """How do I choose points and take them along?"""
    fresh.page.get_by_role("button", name="Lasso").click()
    fresh.page.locator(".stage").scroll_into_view_if_needed()
    rect = fresh.handle("camera")["rect"]
    middle = np.array([rect["left"] + rect["width"] / 2, rect["top"] + rect["height"] / 2])
    fresh.page.mouse.move(*(middle - 90))
    fresh.page.mouse.down()
    for corner in ([90, -90], [90, 90], [-90, 90]):
        fresh.page.mouse.move(*(middle + corner), steps=4)
    fresh.page.mouse.up()
    chosen = fresh.handle("state")["selection"]
    assert len(chosen) > 20
    assert f"{len(chosen):,} selected" in fresh.page.inner_text(".status")
    fresh.page.get_by_text("Export", exact=True).click()
    with fresh.page.expect_download() as table:
        fresh.page.get_by_role("button", name="Save table").click()
    table.value.save_as(tmp_path / "table.csv")
    header, *lines = (tmp_path / "table.csv").read_text().splitlines()
    column = header.split(",").index("selected")
    assert sum(line.split(",")[column] in ("1", "true") for line in lines) == len(chosen)


def test_an_exact_link(browser, fresh):
    """How do I show a colleague exactly this?"""
    fresh.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fresh.handle(
        "set", {"layer": "1", "step": 2, "colour": "strength", "filter": {"regions": [CAR]}, "selection": [70]}
    )
    fresh.page.get_by_role("button", name="Share").click()
    fresh.page.locator(".status", has_text="Link copied").wait_for()
    link, wanted = fresh.page.evaluate("navigator.clipboard.readText()"), fresh.handle("state")
    with opened(browser, link) as watched:
        assert watched.handle("state") == wanted
        assert (watched.visible() == fresh.visible()).all()


def test_the_keyboard_alone(fresh):
    """Can I do all of this by keyboard?"""
    layer = fresh.page.get_by_role("combobox", name="Layer")
    for _ in range(40):
        fresh.page.keyboard.press("Tab")
        if layer.evaluate("each => each === document.activeElement"):
            break
    fresh.page.keyboard.press("ArrowUp")
    fresh.until(layer="1")
    layer.blur()
    step = fresh.handle("state")["step"]
    fresh.page.keyboard.press("[")
    fresh.until(step=step - 1)
    fresh.page.locator(".stage [tabindex='0'], .stage[tabindex='0']").first.focus()
    fresh.page.keyboard.press("n")
    assert len(fresh.handle("state")["selection"]) == 1
    fresh.page.keyboard.press("?")
    fresh.page.get_by_role("dialog", name="Keys").wait_for()


def test_a_telephone_and_a_large_screen(fresh):
    """Does it fit my telephone, and my large screen?"""
    panels = fresh.page.locator(".regions > .tabbed > [role=tabpanel]")
    for width, both in ((390, False), (2560, True)):
        fresh.page.set_viewport_size({"width": width, "height": 1000})
        assert fresh.settled_width(width) == width
        assert [panel.is_visible() for panel in panels.all()] == [both, True, both, both]
    assert fresh.page.locator(".matrix").is_visible()


def brightness(watched) -> float:
    picture = watched.page.screenshot(clip={"x": 0, "y": 0, "width": 1280, "height": 200})
    return float(np.asarray(as_image(picture).convert("L")).mean())


def as_image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_the_dark_theme(fresh):
    """Is there a dark theme?"""
    fresh.page.emulate_media(color_scheme="light")
    assert brightness(fresh) > 200
    for _ in range(2):
        button = fresh.page.get_by_role("button", name="Theme")
        if "dark" not in button.inner_text():
            button.click()
    assert brightness(fresh) < 60


@pytest.mark.parametrize("deficiency", ["protanopia", "deuteranopia", "tritanopia"])
def test_colours_without_red_and_green(fresh, content, deficiency):
    """Can I read it if I cannot distinguish red and green?"""
    fresh.page.get_by_role("combobox", name="Colour by").select_option("knowledge")
    fresh.until(colour="knowledge")
    fresh.page.context.new_cdp_session(fresh.page).send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})
    swatches = fresh.page.locator(".legend .class .badge")
    assert swatches.count() >= len(content.classes)
    seen = []
    for swatch in swatches.all()[: len(named_marks(content.classes))]:
        pixels = np.asarray(as_image(swatch.screenshot()).convert("RGB")).astype(int)
        seen.append(pixels[pixels.shape[0] // 2, pixels.shape[1] // 2])
    assert all(np.abs(one - other).max() >= 12 for one, other in itertools.combinations(seen, 2))
