"""The filter: facets of each kind, in the address and at any width; regions most alike."""

import numpy as np
import pytest

from atlas.pages import opened

BUS = 1


def test_a_facet_of_each_kind_is_chosen_in_the_menu_and_kept_in_the_address(browser, file, content):
    with opened(browser, f"{file.as_uri()}#condition=attack&layer=2&step=3") as watched:
        page = watched.page
        page.locator(".facets-menu summary").click()
        page.get_by_label("Attack", exact=True).select_option("succeeded")
        page.get_by_label("Least evidence in bits").fill("0.5")
        page.get_by_label("Least evidence in bits").press("Enter")
        page.locator(".facet-chip", has_text="evidence ≥ 0.50 bits").wait_for()
        attack = content.conditions[1]
        bits = attack.layers["conv_43"].regions(3).bits
        passing = (attack.attacked & attack.success)[:, None] & (np.round(bits, 2) >= 0.5)
        found = watched.visible()
        assert (found == np.flatnonzero(passing)).all()
        watched.handle("set", {})
        address = page.url
    with opened(browser, address) as watched:
        assert (watched.visible() == found).all()
        # What training lacks is no facet there.
        watched.handle("set", {"condition": "training"})
        assert [chip.split("\n")[0] for chip in watched.chips()] == ["evidence ≥ 0.50 bits"]


def test_a_link_of_an_earlier_version_filters_as_it_did(browser, file, content):
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&colour=predicted&classes={BUS}") as watched:
        decided = content.conditions[0].predictions[3] == BUS
        assert (np.unique(watched.visible() // 24) == np.flatnonzero(decided)).all()


def test_a_region_has_patches_of_those_most_alike(fresh, content):
    point = 24 * 20 + 5
    fresh.handle("set", {"selection": [point]})
    patches = fresh.page.locator(".patch")
    assert patches.count() == 12
    position = content.conditions[0].layers["conv_43"].regions(3).position.reshape(-1, 3)
    distance = np.linalg.norm(position - position[point], axis=1).reshape(60, 24)
    distance[20] = np.inf
    nearest = int(distance.min(axis=1).argmin())
    label = patches.first.get_attribute("aria-label")
    assert label.startswith(f"Image {nearest} (")
    patches.first.click()
    fresh.until(image=nearest)
    fresh.page.locator(".steps text", has_text=f"{content.classes[content.labels[nearest]]} (true)").wait_for()
    assert not any("…" in each for each in fresh.page.locator(".depth-p").all_inner_texts())


def test_regions_are_alike_by_embedding_or_by_features(fresh, content):
    layer = content.conditions[0].layers["conv_43"]
    codes = layer.features().values.astype(float)
    image, region = 7, 5
    apart = np.linalg.norm(codes - codes[image, region], axis=2)
    order = [other for other in np.argsort(apart.min(axis=1), kind="stable") if other != image][:12]
    fresh.handle("set", {"image": image, "selection": [image * 24 + region]})
    by_embedding = fresh.page.locator(".patch").evaluate_all("all => all.map(each => each.ariaLabel)")
    fresh.page.get_by_role("button", name="by features").click()
    fresh.until(alike="feature")
    fresh.page.locator(".key", has_text="features at this step").wait_for()
    labels = fresh.page.locator(".patch").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert labels != by_embedding
    found = [int(label.split()[1]) for label in labels]
    least = apart.min(axis=1)
    assert [least[other] for other in found] == [least[other] for other in order]
    columns = layer.grid[1]
    for label, other in zip(labels, found, strict=True):
        row, column = divmod(int(apart[other].argmin()), columns)
        assert f"row {row + 1}, column {column + 1}" in label
    fresh.handle("set", {"step": 1})
    fresh.page.locator(".key", has_text="the only step with features").wait_for()
    assert fresh.page.locator(".patch").evaluate_all("all => all.map(each => each.ariaLabel.split(':')[0])") == [
        label.split(":")[0] for label in labels
    ]
    assert "alike=feature" in fresh.page.evaluate("location.hash")
    fresh.handle("set", {"condition": "attack"})
    assert not fresh.page.get_by_role("button", name="by features").is_visible()


def test_the_page_of_the_images_is_in_the_address(fresh, browser, file):
    fresh.page.get_by_role("button", name="Next page").click()
    fresh.until(page=1)
    fresh.handle("set", {"step": 2})
    shown = fresh.page.locator(".thumb").evaluate_all("all => all.map(each => each.ariaLabel.split(',')[0])")
    assert shown == [f"Image {image}" for image in range(12, 24)]
    address = fresh.page.evaluate("location.href")
    with opened(browser, address) as again:
        assert again.page.locator(".gallery .of").inner_text() == "13–24 of 60"
        again.handle("set", {"filter": {"classes": [1]}})
        assert again.handle("state")["page"] == 0


@pytest.mark.parametrize("width", [390, 1366])
def test_the_filter_and_the_matrix_fit_the_width(browser, file, width):
    with opened(browser, f"{file.as_uri()}#tab=confusions&true=1.2&region=3&decided=misclassified") as watched:
        watched.page.set_viewport_size({"width": width, "height": 800})
        watched.page.locator(".facets-menu summary").click()
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert len(watched.chips()) == 4
