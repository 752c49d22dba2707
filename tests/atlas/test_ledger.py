"""The ledger on the page: the numbers of `knowledge.ledger`, and flows that filter."""

import re

import numpy as np
import pytest
import torch

from atlas.pages import opened, plain
from patternscope.atlas.contents import AtlasContent, Condition, Regions
from patternscope.knowledge.ledger import Flow, Ledger, keep_ledger
from patternscope.results.ledger import Moment

MOVES = ("learnt", "relearnt", "kept", "changed", "forgotten")


def moment(regions: Regions, rows: np.ndarray) -> Moment:
    """The points of a step, with bits as they are stored, in hundredths."""
    values = regions.mask, regions.category, np.round(regions.bits, 2)
    return Moment("", *(torch.from_numpy(each[rows]) for each in values))


def ledger_of(content: AtlasContent, condition: Condition, layer: str, step: int, start: int) -> Ledger:
    """The ledger of a step of a condition by Python; a student is compared with the last checkpoint."""
    training = content.conditions[0]
    origin = training if condition.kind == "model" else condition
    rows = np.arange(len(content.labels)) if condition.attacked is None else np.flatnonzero(condition.attacked)
    masks = [origin.layers[layer].regions(earlier).mask for earlier in range(start)]
    known = np.any(masks, axis=0) if masks and condition.kind == "training" else None
    before = moment(origin.layers[layer].regions(start), rows)
    after = moment(condition.layers[layer].regions(step), rows)
    earlier = None if known is None else torch.from_numpy(known[rows])
    bits = (before.bits, after.bits)
    return keep_ledger(before, after, len(content.classes), earlier=earlier, bits=bits, resamples=2)


STEPS = ((0, 2, 1, "previous"), (0, 3, 2, "previous"), (0, 3, 0, "first"), (1, 3, 0, "previous"), (2, 0, 3, "previous"))


def test_its_numbers_are_those_of_python(fresh, content):
    for condition, step, start, since in STEPS:
        own = content.conditions[condition]
        fresh.handle("set", {"condition": own.key, "layer": "1", "step": step})
        agree(fresh.handle("ledger", since), ledger_of(content, own, content.layers[1], step, start))


def agree(found: dict, wanted: Ledger) -> None:
    """Require the numbers of the page to be those of Python."""
    assert [found["points"][name]["value"] for name in MOVES] == pytest.approx(
        [wanted.points[Flow[name.upper()]].value for name in MOVES]
    )
    assert sum(found["points"][name]["value"] for name in MOVES) > 0
    bits = {flow.name.lower(): interval.value for flow, interval in wanted.bits.items()}
    assert {name: told["value"] for name, told in found["bits"].items()} == pytest.approx(bits, abs=1e-9)
    assert found["growth"]["value"] == pytest.approx(sum(bits.values()), abs=1e-9)
    columns = ("before", "after", "kept", "came", "left", "learnt", "relearnt", "forgotten")
    rows = [[getattr(row, name) for name in columns] for row in wanted.by_class]
    assert [[row[name] for name in columns] for row in found["classes"]] == rows


def change_text(value: float, digits: int) -> str:
    """A change of evidence as the page has it."""
    if abs(value) < 1e-9:
        return "0"
    if round(abs(value), digits) == 0:
        return "> -0.001" if value < 0 else "< 0.001"
    return f"{value:.{digits}f}"


# In hundredths nothing would be seen of one of the flows; of a class; everything would.
SMALL = ((1, 2, 1, "previous", 3, 2), (2, 2, 1, "previous", 3, 3), (0, 3, 0, "first", 3, 2), (1, 3, 0, "first", 2, 2))


@pytest.mark.parametrize(("layer", "step", "start", "since", "digits", "class_digits"), SMALL)
def test_small_changes_of_evidence_can_be_read(fresh, content, layer, step, start, since, digits, class_digits):
    training = content.conditions[0]
    wanted = ledger_of(content, training, content.layers[layer], step, start)
    fresh.handle("set", {"layer": str(layer), "step": step, "tab": "ledger", "filter": {"since": since}})
    fresh.page.locator(
        ".ledger .finding", has_text=f"{content.layers[layer]}, {training.steps[start].label} to"
    ).wait_for()
    rows = fresh.page.locator(".flow-table tbody tr")
    told = {plain(row.split("\t")[0]).strip(): plain(row.split("\t")[-1]) for row in rows.all_inner_texts()}
    flows = {"learnt": "learnt", "forgotten": "forgotten", "changed class": "changed", "kept": "kept"}
    names = {**flows, "no point at either": "none"} | ({"relearnt": "relearnt"} if start else {})
    assert told.keys() == {*names, "all regions"}
    bits = {flow.name.lower(): interval.value for flow, interval in wanted.bits.items()}
    for row, flow in names.items():
        assert told[row].split(" (")[0] == change_text(bits[flow], digits), row
    assert told["all regions"].split(" (")[0] == change_text(sum(bits.values()), digits)
    assert not [text for text in told.values() if re.search(r"(^|[ (])-?0\.0+(?!\d)", text)]
    classes = [plain(text) for text in fresh.page.locator(".class-bars tbody td:last-child").all_inner_texts()]
    sign = re.compile(r"[+-]\d+\." + r"\d" * class_digits + r"|[<>] -?0\.001|0")
    assert len(classes) == 10
    assert all(sign.fullmatch(text) for text in classes), classes
    assert not [text for text in classes if re.fullmatch(r"[+-]0\.0+", text)]


def test_a_flow_filters_the_regions_and_the_address_keeps_it(browser, file, content):
    training, layer = content.conditions[0], content.layers[2]
    wanted = ledger_of(content, training, layer, 3, 2).regions.numpy().ravel()
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=ledger") as watched:
        page = watched.page
        page.get_by_role("button", name="Show regions: forgotten").click()
        page.locator(".facet-chip", has_text="forgotten since the step before").wait_for()
        assert (watched.visible() == np.flatnonzero(wanted == Flow.FORGOTTEN)).all()
        watched.handle("set", {})
        address = page.url
        # Of what is forgotten since, another step has other regions; the first step has nothing before it.
        watched.handle("set", {"step": 0})
        assert not len(watched.visible())
        assert "this is the first step" in page.inner_text(".ledger .finding")
    with opened(browser, address) as watched:
        assert (watched.visible() == np.flatnonzero(wanted == Flow.FORGOTTEN)).all()
        watched.handle("set", {"image": 7})
        watched.page.get_by_role("button", name="Show regions: forgotten").click()
        watched.page.locator(".facet-chip").wait_for(state="detached")
        assert len(watched.visible()) == len(wanted)
        # The image in view stays.
        assert watched.handle("state")["image"] == 7


def test_a_part_of_a_bar_shows_the_points_of_its_class(browser, file, content):
    training, layer = content.conditions[0], content.layers[2]
    regions = ledger_of(content, training, layer, 3, 0).regions.numpy().ravel()
    now = training.layers[layer].regions(3).category.ravel()
    label = int(np.bincount(now[regions == Flow.LEARNT]).argmax())
    count = int(((regions == Flow.LEARNT) & (now == label)).sum())
    with opened(browser, f"{file.as_uri()}#layer=2&step=3&tab=ledger&since=first") as watched:
        name = f"{content.classes[label]}, learnt: {count} regions"
        watched.page.get_by_role("button", name=name).click()
        watched.page.locator(".facet-chip", has_text="learnt since the first step").wait_for()
        assert (watched.visible() == np.flatnonzero((regions == Flow.LEARNT) & (now == label))).all()
        # Arrow keys move between the parts of the bars, which are one stop of the tab key.
        assert watched.page.locator('.bar-part[tabindex="0"]').count() == 1
        watched.page.keyboard.press("ArrowDown")
        assert watched.page.evaluate("document.activeElement.className").startswith("bar-part")
