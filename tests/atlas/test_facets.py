"""Questions that a person asks of the page, each in at most four actions."""

import numpy as np
import pytest

from atlas.pages import opened

CAT, DOG, BUS, CAR = 3, 5, 1, 2


def visible(watched) -> np.ndarray:
    return np.flatnonzero(watched.handle("visible"))


def chips(watched) -> list[str]:
    return watched.page.locator(".facet-chip").all_inner_texts()


def test_bus_images_whose_regions_say_car_are_found_by_a_search(fresh, content):
    field = fresh.page.get_by_role("combobox", name="Image", exact=True)
    field.fill("bus as car")
    field.press("Enter")
    fresh.until(sort="regions")
    category = content.conditions[0].layers["conv_43"].regions(3).category
    wanted = (content.labels[:, None] == BUS) & (category == CAR)
    assert (visible(fresh) == np.flatnonzero(wanted)).all()
    counts = wanted.sum(axis=1)
    state = fresh.handle("state")
    assert counts[state["image"]] == counts.max() > 0
    assert chips(fresh) == ["true class: bus\n×", "region predicts car\n×"]
    assert f"of {(counts > 0).sum()}" in fresh.page.inner_text(".gallery .of")
    # The same facets hold in the space of images, and the colour has no say in them.
    fresh.handle("set", {"space": "images", "colour": "predicted"})
    assert (visible(fresh) == np.flatnonzero(counts)).all()
    fresh.page.get_by_role("button", name="Remove filter: region predicts car").click()
    fresh.page.locator(".facet-chip", has_text="region predicts").wait_for(state="detached")
    assert (visible(fresh) == np.flatnonzero(content.labels == BUS)).all()


def test_wrong_only_is_one_click_and_the_surest_come_first(fresh, content):
    fresh.page.get_by_role("checkbox", name="Wrong only").click()
    fresh.until(sort="wrong")
    training = content.conditions[0]
    wrong = np.flatnonzero(training.predictions[3] != content.labels)
    order = wrong[np.argsort(-training.certainty[3][wrong])]
    shown = fresh.page.locator(".thumb").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert [int(each.split()[1].rstrip(",")) for each in shown] == order[: len(shown)].tolist()
    assert "the network predicts" in shown[0]
    assert set(visible(fresh) // 24) == set(wrong)


def test_a_cell_of_the_matrix_answers_when_and_where_two_classes_part(fresh, content):
    fresh.page.get_by_role("tab", name="Confusions").click()
    fresh.until(tab="confusions")
    cell = fresh.page.get_by_role("button", name="cat taken for dog")
    category = content.conditions[0].layers["conv_43"].regions(3).category[content.labels == CAT]
    assert cell.inner_text() == str(round(100 * (category == DOG).mean()))
    cell.click()
    answer = fresh.page.locator(".pair .finding", has_text="cat and dog part")
    answer.wait_for()
    assert "Rule: " in answer.inner_text()
    assert [chip.split("\n")[0] for chip in chips(fresh)] == ["true class: cat", "region predicts dog"]
    assert fresh.handle("state")["filter"]["regions"] == [DOG]
    names = fresh.page.locator(".pair-chart text").all_text_contents()
    assert set(content.layers) <= set(names)
    cell.press("ArrowLeft")
    assert fresh.page.evaluate("document.activeElement.ariaLabel").startswith("cat taken for desk")


def test_an_attack_has_a_card_per_layer_and_the_region_that_turned_most(fresh, content):
    fresh.handle("set", {"condition": "attack"})
    assert fresh.handle("state")["colour"] == "knowledge"
    cards = fresh.page.locator(".comparison-card")
    cards.first.wait_for()
    assert [each.split("\n")[0] for each in cards.all_inner_texts()] == list(content.layers)
    counts = {name: layer.counts[:, 1, 0] for name, layer in content.conditions[1].layers.items()}
    most = max(counts, key=lambda name: abs(counts[name][-1] - counts[name][0]))
    assert f"changes {most} most" in fresh.page.inner_text(".comparison .headline")
    fresh.page.get_by_role("button", name="Region that turned most").click()
    fresh.page.locator(".turned", has_text="°").wait_for()
    (point,) = fresh.handle("state")["selection"]
    layer = content.conditions[1].layers["conv_43"]
    clean, last = (layer.regions(step).mask.ravel()[point] for step in (0, 3))
    assert clean
    assert last
    assert "× " in fresh.page.inner_text(".board")
    # A student beside its teacher.
    fresh.handle("set", {"condition": "student-logits"})
    fresh.page.locator(".comparison .headline", has_text="differs from its teacher").wait_for()


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
        found = visible(watched)
        assert (found == np.flatnonzero(passing)).all()
        watched.handle("set", {})
        address = page.url
    with opened(browser, address) as watched:
        assert (visible(watched) == found).all()
        # What training lacks is no facet there.
        watched.handle("set", {"condition": "training"})
        assert [chip.split("\n")[0] for chip in chips(watched)] == ["evidence ≥ 0.50 bits"]


def test_a_link_of_an_earlier_version_filters_as_it_did(browser, file, content):
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&colour=predicted&classes={BUS}") as watched:
        decided = content.conditions[0].predictions[3] == BUS
        assert (np.unique(visible(watched) // 24) == np.flatnonzero(decided)).all()


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


@pytest.mark.parametrize("width", [390, 1366])
def test_the_filter_and_the_matrix_fit_the_width(browser, file, width):
    with opened(browser, f"{file.as_uri()}#tab=confusions&true=1.2&region=3&decided=misclassified") as watched:
        watched.page.set_viewport_size({"width": width, "height": 800})
        watched.page.locator(".facets-menu summary").click()
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        assert len(chips(watched)) == 4
