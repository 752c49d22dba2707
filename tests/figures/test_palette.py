"""The colours of figures and atlas: legible on both themes, apart for colour-blind eyes, true to their names."""

import json
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from colour_vision import DEFICIENCIES, contrast, difference, lab
from matplotlib.colors import CSS4_COLORS

import patternscope
from patternscope.figures.drawing import style
from patternscope.figures.drawing.style import CLASS_COLOURS, RELIABLE, TOTAL, UNRELIABLE, layer_colours, named_marks

PACKAGE = Path(patternscope.__file__).parent
PALETTE = json.loads((PACKAGE / "figures/drawing/palette.json").read_text())
CASES = json.loads(Path(__file__).with_name("named_marks.json").read_text())
LEAST_CONTRAST, LEAST_DIFFERENCE = 3.0, 12.0


def page_colours() -> dict[str, list[str]]:
    """The colours of the page by variable, of the light and of the dark theme."""
    style = (Path(__file__).parents[2] / "viewer/src/ui/page.css").read_text(encoding="utf-8")
    pairs = re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", style)
    return {name: [light, dark] for name, light, dark in pairs}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # Of the published test data, Sharma et al., table 1: pairs 1, 7, 13, 17, 25 and 33.
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ],
)
def test_the_difference_is_that_of_the_published_pairs(first, second, expected):
    assert difference(np.array(first, float), np.array(second, float)) == pytest.approx(expected, abs=1e-4)
    assert difference(np.array(second, float), np.array(first, float)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_ten_classes_are_told_apart(deficiency):
    seen = {colour: lab(colour, deficiency) for colour in CLASS_COLOURS}
    apart = {pair: difference(*(seen[colour] for colour in pair)) for pair in combinations(CLASS_COLOURS, 2)}
    assert len(seen) == 10
    assert min(apart.values()) >= LEAST_DIFFERENCE, min(apart, key=lambda pair: apart[pair])


def test_the_check_sees_what_usual_eyes_do_not():
    """A red and a green, two of the ten that matplotlib has by default."""
    red, green = "#d62728", "#2ca02c"
    assert difference(lab(red), lab(green)) > 50
    assert difference(lab(red, "protanopia"), lab(green, "protanopia")) < 25


@pytest.mark.parametrize("colour", [*CLASS_COLOURS, *PALETTE["paths"], PALETTE["ink"]])
def test_points_of_the_atlas_are_seen_on_both_themes(colour):
    grounds = [each for name in ("paper", "ground", "raised") for each in page_colours()[name]]
    assert len(grounds) == 6
    assert min(contrast(colour, ground) for ground in grounds) >= LEAST_CONTRAST


def test_lines_of_figures_are_seen_on_paper():
    for colour in (*CLASS_COLOURS, TOTAL, RELIABLE, UNRELIABLE, *layer_colours(9)):
        assert contrast(colour, "#ffffff") >= LEAST_CONTRAST


@pytest.mark.parametrize("name", ["ink", "soft", "total"])
def test_lines_of_the_page_are_seen_on_both_themes(name):
    for colour, ground in zip(page_colours()[name], page_colours()["raised"], strict=True):
        assert contrast(colour, ground) >= LEAST_CONTRAST


def test_what_is_reliable_has_no_hue():
    for colour in (TOTAL, RELIABLE, UNRELIABLE, PALETTE["ink"]):
        assert np.hypot(*lab(colour)[1:]) < 6
    # So that a class is never taken for the grey of what is of no class.
    assert min(np.hypot(*lab(colour)[1:]) for colour in CLASS_COLOURS) > 10


@pytest.mark.parametrize(("place", "name"), [(p, n) for p, c in enumerate(PALETTE["classes"]) for n in c["names"]])
def test_a_class_that_is_called_as_a_colour_has_its_hue(place, name):
    colour = named_marks(["cat", name, "dog"])[1].colour
    assert colour == CLASS_COLOURS[place]
    (_, a, b), (_, x, y) = lab(CSS4_COLORS[name]), lab(colour)
    turn = np.degrees(np.arctan2(b, a) - np.arctan2(y, x))
    assert abs((turn + 180) % 360 - 180) < 45


@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(case["names"][:3]))
def test_marks_by_name_are_those_of_the_page(case):
    """The page's own test reads the same file."""
    assert [mark.colour for mark in named_marks(case["names"])] == case["colours"]


def test_names_share_no_mark_within_eighty_classes():
    names = [f"class {place}" for place in range(77)] + ["orange", "orange", "red"]
    assert len(set(named_marks(names))) == 80
    assert named_marks(["a", "b"]) == style.class_marks(2)


def test_the_page_is_built_with_these_colours():
    for name in ("page", "widget"):
        bundle = (PACKAGE / f"atlas/static/{name}.js").read_text(encoding="utf-8")
        assert all(colour in bundle for colour in [*CLASS_COLOURS, *PALETTE["paths"], PALETTE["ink"]])
