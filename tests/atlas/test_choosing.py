"""Choosing on the page while something else is still drawn, plays or cannot be read."""

import csv
import shutil

import pytest

from atlas.pages import opened
from patternscope.atlas.page import write_single


def test_presses_faster_than_pictures_are_all_heard(fresh):
    press = "for (const key of ['[', '[']) document.dispatchEvent(new KeyboardEvent('keydown', { key }))"
    before = fresh.handle("state")
    fresh.page.evaluate(press)
    fresh.until(step=before["step"] - 2)
    fresh.page.evaluate("for (const each of document.querySelectorAll('.classes button')) each.click()")
    classes = fresh.page.locator(".classes button").count()
    assert fresh.handle("state")["filter"]["classes"] == list(range(classes)) != []
    following = "for (let twice = 0; twice < 2; twice++) document.querySelector('[title=\"Next image\"]').click()"
    fresh.page.evaluate(following)
    assert fresh.handle("state")["image"] == before["image"] + 2


def test_points_bring_their_image_along(fresh):
    fresh.handle("set", {"selection": [24 * 20 + 5]})
    assert fresh.handle("state")["image"] == 20
    assert fresh.page.locator(".board .picture").first.get_attribute("data-image") == "20"
    assert "Region" in fresh.page.inner_text(".facts h3")


def test_a_click_on_a_picture_means_what_is_drawn(fresh):
    """Another layer was chosen just before, whose regions are others; it is not drawn yet."""
    fresh.handle("set", {"image": 5, "selection": []})
    fresh.page.evaluate("""() => {
        patternscope.set({ layer: "0" });
        const picture = document.querySelector(".board .picture").getBoundingClientRect();
        const place = { clientX: picture.left + 0.9 * picture.width, clientY: picture.top + 0.9 * picture.height };
        document.querySelector(".board .picture").dispatchEvent(new MouseEvent("click", { bubbles: true, ...place }));
    }""")
    fresh.until(layer="0", image=5)
    (chosen,) = fresh.handle("state")["selection"]
    count = len(fresh.handle("visible")) // 60
    assert (chosen // count, chosen % count) == (5, count - 1)


def test_playing_ends_where_somebody_goes_elsewhere(fresh):
    fresh.handle("set", {"step": 0})
    fresh.page.get_by_role("button", name="Play").click()
    fresh.until(step=1)
    fresh.handle("set", {"step": 3})
    assert fresh.page.get_by_role("button", name="Play").is_visible()
    fresh.page.wait_for_timeout(1600)
    assert fresh.handle("state")["step"] == 3


def test_playing_goes_to_the_end(fresh):
    fresh.page.get_by_role("button", name="Play").click()
    assert fresh.page.get_by_role("button", name="Pause").is_visible()
    fresh.until(step=0)
    fresh.until(step=3)
    fresh.page.get_by_role("button", name="Play").wait_for()


def test_what_is_typed_stays_while_something_else_changes(fresh):
    field = fresh.page.get_by_role("combobox", name="Image")
    field.click()
    field.press_sequentially("1")
    fresh.handle("set", {"step": 1})
    field.press_sequentially("7")
    field.press("Enter")
    fresh.until(image=17)
    field.fill("")
    field.press("Tab")
    assert field.input_value() == "17"
    assert fresh.handle("state")["image"] == 17


def test_escape_in_the_field_keeps_what_is_chosen(fresh):
    fresh.handle("set", {"selection": [1, 2, 3]})
    fresh.page.get_by_role("combobox", name="Image").press("Escape")
    assert fresh.handle("state")["selection"] == [1, 2, 3]


@pytest.mark.parametrize("modifiers", [{"altKey": True}, {"altKey": True, "ctrlKey": True}])
def test_brackets_are_heard_from_keyboards_that_write_them_with_alt(fresh, modifiers):
    press = "given => document.dispatchEvent(new KeyboardEvent('keydown', { key: '[', ...given }))"
    fresh.page.evaluate(press, modifiers)
    fresh.until(step=2)
    fresh.page.evaluate(press, {"ctrlKey": True})
    assert fresh.handle("state")["step"] == 2


def test_a_button_of_the_legend_keeps_the_focus(fresh):
    fresh.handle("set", {"condition": "attack"})
    button = fresh.page.locator(".path-type").first
    button.focus()
    fresh.page.keyboard.press("Enter")
    assert fresh.settled(lambda: fresh.handle("state")["filter"]["path"], 1) == 1
    assert fresh.page.evaluate("document.activeElement.classList.contains('path-type')")


def test_the_saved_table_holds_what_is_chosen(fresh, content, tmp_path):
    fresh.handle("set", {"filter": {"classes": [2]}, "selection": list(range(450))})
    fresh.page.get_by_text("Export", exact=True).click()
    with fresh.page.expect_download() as table:
        fresh.page.get_by_role("button", name="Save table").click()
    table.value.save_as(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [int(row["point"]) for row in rows if row["selected"] == "1"] == list(range(450))
    assert {row["true_class"] for row in rows if row["selected"] == "0"} == {content.classes[2]}


def test_a_moment_that_cannot_be_read_gives_nothing_away(browser, store, tmp_path):
    shutil.copytree(store, tmp_path / "store")
    (tmp_path / "store/layers/2/training/position/c/1/0/0/0").write_bytes(b"no chunk")
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        watched.handle("set", {"step": 1})
        assert watched.page.locator("[role=alert]:visible").count() == 1
        assert watched.page.locator("button", has_text="Save picture").is_disabled()
        watched.page.locator(".stage").click()
        watched.page.get_by_role("button", name="Select visible").click()
        assert watched.handle("state")["selection"] == []
        # The path through the steps has a gap, and is there.
        watched.handle("set", {"step": 3, "selection": [30]})
        line = watched.page.locator(".overlay .path .line")
        line.wait_for(state="attached")
        assert line.get_attribute("d").count("M") == 2
        assert watched.page.locator("button", has_text="Save picture").is_enabled()
        assert watched.complaints == []


def test_a_comparison_that_cannot_be_read_says_so(browser, store, tmp_path):
    shutil.copytree(store, tmp_path / "store")
    (tmp_path / "store/layers/2/attack/position/c/0/0/0/0").write_bytes(b"no chunk")
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, (tmp_path / "atlas.html").as_uri()) as watched:
        watched.handle("set", {"condition": "attack"})
        assert "comparison cannot be shown" in watched.page.locator("[role=alert]:visible").inner_text()
        assert len(watched.handle("visible")) > 0
