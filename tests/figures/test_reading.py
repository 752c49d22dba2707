"""No figure writes a text over another or beyond its paper, and none has an axis beyond what its quantity can be."""

import pytest
from matplotlib.figure import Figure
from reading import beyond, cut_off, overlaps

from patternscope.figures import figure_names, load_figure
from patternscope.results.study import open_results


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_can_be_read(name, attacked_study, taught_study):
    figure = load_figure(name)
    studies = [open_results(folder) for folder in (attacked_study, taught_study)]
    results = next((study for study in studies if figure.is_drawn_of(study)), None)
    if results is None:
        pytest.skip("no small study has what it shows")
    drawn = figure.plot(results)
    assert overlaps(drawn) == []
    assert cut_off(drawn) == []
    assert beyond(drawn) == []


def test_the_check_sees_what_it_looks_for():
    figure = Figure(figsize=(4, 3))
    first, second = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.2, bottom=0.2, wspace=0.5)
    first.set(ylabel="share of regions", ylim=(0, 1.3), xlim=(0, 5))
    second.set(title="p(true class)", ylim=(0, 1), xlabel="step", xlim=(0, 9))
    first.text(1, 0.5, "one name")
    first.text(1.2, 0.5, "another")
    second.text(8, 0.5, "a name that does not fit")
    assert ("one name", "another") in overlaps(figure)
    assert cut_off(figure) == ["a name that does not fit"]
    assert beyond(figure) == ["share of regions: 0 to 1.3"]
