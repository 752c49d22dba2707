"""Patterns in an atlas: what is written, a panel with patches, and patterns that filter."""

import gzip
import json

import numpy as np
import pytest
import zarr

from atlas.invented_atlas import invent
from atlas.pages import opened
from patternscope.atlas.page import write_single
from patternscope.atlas.selection import with_images
from patternscope.atlas.store import write_store

CAT = 3


@pytest.fixture(scope="module")
def patterns(content):
    return content.conditions[0].layers["conv_43"].patterns


def test_the_store_has_the_pattern_of_each_region_and_a_table(store, patterns):
    group = zarr.open_consolidated(store)
    path = "layers/2/training"
    assert (np.asarray(group[f"{path}/pattern"]) == patterns.owner.ravel() + 1).all()
    table = json.loads(np.asarray(group[f"{path}/pattern_table"]).tobytes())
    assert table["field"] == list(patterns.field)
    assert table["untested"] is None
    assert len(table["patterns"]) == len(patterns.entries) > 10
    for entry, row in zip(patterns.entries, table["patterns"], strict=True):
        assert [row[name] for name in ("label", "number", "name", "regions")] == [
            entry.label, entry.number, entry.name, entry.regions,
        ]  # fmt: skip
        assert row["share"] == pytest.approx(entry.share, rel=1e-3)
        assert row["typical"] == (entry.typical @ [24, 1]).tolist()
        assert (row["fall"] is None) == (entry.fall is None)
    assert "layers/0/training/pattern" not in group


def test_a_table_takes_few_bytes(store):
    packed = (store / "layers/2/training/pattern_table/c/0").read_bytes()
    assert len(packed) < 2500 < len(gzip.decompress(packed))


def test_of_some_images_the_typical_regions_are_among_these(content, patterns):
    chosen = np.arange(0, 60, 3)
    fewer = with_images(content, chosen).conditions[0].layers["conv_43"].patterns
    assert (fewer.owner == patterns.owner[chosen]).all()
    for place, entry in enumerate(fewer.entries):
        assert (fewer.owner[tuple(entry.typical.T)] == place).all()
        assert entry.regions == patterns.entries[place].regions
    assert sum(len(entry.typical) for entry in fewer.entries) > 10


def test_a_pattern_filters_its_regions_and_the_address_keeps_it(browser, file, patterns):
    place = next(place for place, each in enumerate(patterns.entries) if each.label == CAT)
    wanted = np.flatnonzero(patterns.owner.ravel() == place)
    with opened(browser, f"{file.as_uri()}#layer=2&step=2&tab=patterns&image={CAT}") as watched:
        page = watched.page
        cards = page.locator(".pattern-card")
        assert watched.settled(cards.count, 2) == 2
        assert page.get_by_label("Patterns of").input_value() == str(CAT)
        first = patterns.entries[place]
        assert f"{first.regions} regions in {first.images} images" in cards.first.inner_text()
        assert cards.first.locator(".patch").count() == len(first.typical)
        page.get_by_role("button", name="cat 1", exact=True).click()
        page.locator(".facet-chip", has_text="pattern cat 1").wait_for()
        assert (watched.visible() == wanted).all()
        watched.handle("set", {})
        address = page.url
    with opened(browser, address) as watched:
        assert (watched.visible() == wanted).all()
        # They are followed under the attack, and are of this layer and this network alone.
        watched.handle("set", {"condition": "attack"})
        assert (watched.visible() == wanted).all()
        watched.handle("set", {"layer": "1"})
        assert watched.chips() == []
        watched.handle("set", {"filter": {"pattern": 1}})
        watched.handle("set", {"condition": "student-logits"})
        assert watched.chips() == []
        assert "not of a student" in watched.page.inner_text(".patterns .finding")


def test_a_pattern_brings_its_most_typical_image_and_takes_none_away(browser, file, content, patterns):
    regions = np.array([[(image == place).sum() for image in patterns.owner] for place in range(len(patterns.entries))])
    cats = [place for place, each in enumerate(patterns.entries) if each.label == CAT]
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=patterns&image=8") as watched:
        page, state = watched.page, lambda: watched.handle("state")
        # Another class: the image of its first patch.
        page.get_by_label("Patterns of").select_option(label="cat")
        first = page.get_by_role("button", name="cat 1", exact=True)
        first.wait_for()
        watched.until(image=int(patterns.entries[cats[0]].typical[0][0]), selection=[])
        assert page.locator(".detail .finding").inner_text().startswith(f"Image {state()['image']}, cat")
        # A pattern: the image with most of its regions, which comes first of all images.
        for place in cats:
            page.locator(f'.pattern-name[data-pattern="{place + 1}"]').click()
            watched.until(image=int(regions[place].argmax()), sort="regions")
            assert content.labels[state()["image"]] == CAT
            thumb = page.locator(".thumb").first.get_attribute("aria-label")
            assert thumb.startswith(f"Image {state()['image']}, cat")
        # Released, it leaves image and region where they are.
        page.locator(".board").focus()
        page.keyboard.press("ArrowRight")
        watched.settled(lambda: len(state()["selection"]), 1)
        before = state()
        page.locator(f'.pattern-name[data-pattern="{cats[-1] + 1}"]').click()
        watched.until(sort="number")
        page.locator(".facet-chip", has_text="pattern").wait_for(state="detached")
        assert {name: state()[name] for name in ("image", "selection")} == {
            name: before[name] for name in ("image", "selection")
        }


def test_a_pattern_that_no_image_of_the_filter_has_shows_its_first_patch(browser, file, content, patterns):
    place = next(place for place, each in enumerate(patterns.entries) if each.label == CAT)
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=patterns&image={CAT}") as watched:
        # No image of a cat is one of a dog.
        watched.handle("set", {"filter": {"classes": [5, 6]}, "image": CAT + 10})
        watched.page.get_by_role("button", name="cat 1", exact=True).click()
        watched.page.locator(".facet-chip", has_text="pattern cat 1").wait_for()
        assert not len(watched.visible())
        assert watched.handle("state")["image"] == patterns.entries[place].typical[0][0]
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=patterns&image=5&pattern={place + 1}") as watched:
        # A link has the image that it was made with.
        assert watched.handle("state")["image"] == 5


def test_names_steps_and_falls_are_told(browser, file, content):
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=patterns&image=0") as watched:
        page = watched.page
        card = page.get_by_label("Pattern a part")
        card.wait_for()
        assert "car" not in card.inner_text()
        assert "bus (13 %)" in card.inner_text().replace("\u00a0", " ")
        other = page.get_by_label("Pattern bridge 1")
        assert "p falls by 0.05 (0.02 to 0.08) without it" in other.inner_text()
        assert "more than without other reliable regions" in other.inner_text()
        card.get_by_role("button", name=content.conditions[0].steps[-2].label).click()
        watched.until(step=2)
        # A patch shows its region.
        card.locator(".patch").first.click()
        watched.page.locator(".patterns").wait_for()
        entry = content.conditions[0].layers["conv_43"].patterns.entries[1]
        watched.until(image=int(entry.typical[0][0]), selection=[int(entry.typical[0] @ [24, 1])])
        page.get_by_label("Patterns of").select_option(label="cat")
        page.get_by_label("Pattern cat 1").wait_for()
        assert watched.handle("state")["filter"]["classes"] == [CAT]


def test_an_atlas_without_patterns_has_no_such_tab(browser, tmp_path):
    write_store(tmp_path / "store", invent(images=20, attack=False, model=False, patterns=False))
    write_single(tmp_path / "store", tmp_path / "atlas.html")
    with opened(browser, f"{(tmp_path / 'atlas.html').as_uri()}#tab=patterns&pattern=3") as watched:
        assert watched.page.get_by_role("tab", name="Patterns").count() == 0
        assert watched.handle("state")["tab"] == "space"
        assert watched.chips() == []
