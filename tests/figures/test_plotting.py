"""Figures drawn from Python: choices, axes of the caller, errors in one line, and what importing one imports."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from easy_study import students_settings
from matplotlib.figure import Figure

from patternscope.api.figure_stages import figure_stage, figure_stages
from patternscope.errors import InputError
from patternscope.figures import figure_names, load_figure
from patternscope.figures.drawing.labels import shortened, text_width
from patternscope.results.controls import ControlsResult
from patternscope.results.result import Result
from patternscope.results.study import ResultsInMemory, open_results
from patternscope.settings.study import make_settings
from patternscope.study.stages import study_stages
from patternscope.workflow.stages import Unit


@pytest.fixture(scope="module")
def results(attacked_study):
    return open_results(attacked_study)


def of_study():
    """Figures that need no optional part but the attack."""
    students = ("distilled_counts", "distilled_histograms", "ledger_students")
    return [name for name in figure_names() if name not in (*students, "faithfulness", "patterns")]


@pytest.mark.parametrize("name", of_study())
def test_every_figure_is_drawn_without_a_stage(results, name):
    assert isinstance(load_figure(name).plot(results), Figure)


@pytest.mark.parametrize("name", ["distilled_counts", "distilled_histograms"])
def test_figures_of_students_are_drawn_of_some_layers(taught_study, attacked_study, name):
    figure = load_figure(name).plot(open_results(taught_study), layers="conv_53")
    titles = [axes.get_title("left") for axes in figure.axes]
    assert [title for title in titles if title] == ["conv_53"]
    with pytest.raises(InputError, match=r"expected a study with \[distillation\], got one without"):
        load_figure(name).plot(open_results(attacked_study))


@pytest.mark.parametrize("name", ["knowledge_points", "importance"])
def test_images_classes_and_layers_are_chosen(results, name):
    figure = load_figure(name)
    shown = figure.data(results, [5, 2], layers=["conv_53"])
    assert shown.examples.samples.tolist() == [5, 2]
    assert {row["layer"] for row in figure.table(shown)} == {"conv_53"}
    red = figure.data(results, 3, classes="red")
    assert set(red.examples.names) == {"red"}
    assert len(red.examples.samples) == 3


def test_classes_keep_their_marks_and_samples(results):
    for name in ("sample_embedding", "training_strip", "training_animation"):
        figure = load_figure(name)
        whole, part = figure.data(results), figure.data(results, classes=["blue", "red"])
        assert part.classes.names == ["red", "blue"]
        assert part.classes.marks == [whole.classes.marks[0], whole.classes.marks[2]]
        rows = {row["sample"]: row for row in figure.table(whole) if row.get("sample") is not None}
        for row in figure.table(part):
            if row.get("sample") is not None and row.get("checkpoint", 1) == 1:
                assert row == rows[row["sample"]]


def test_regions_of_other_classes_are_grey(results):
    figure = load_figure("regional_embedding")
    whole, part = figure.data(results), figure.data(results, classes="green", layers="conv_53")
    (cloud,) = part.clouds
    assert ((cloud.category == 0) == (whole.clouds[1].category == 1)).all()
    assert (cloud.category <= 0).all()
    assert np.array_equal(cloud.points, whole.clouds[1].points)


def test_curves_of_chosen_classes(results):
    figure = load_figure("emergence")
    shown = figure.data(results, classes=["yellow"], layers=["conv_33"])
    assert {(row["layer"], row["class"]) for row in figure.table(shown)} == {("conv_33", None), ("conv_33", "yellow")}
    cells = figure.draw(shown).axes[1].collections[0].get_array()
    assert cells.shape == (1, len(shown.checkpoints))


@pytest.mark.parametrize("name", ["counts", "sample_embedding"])
def test_a_figure_of_one_panel_draws_on_axes_of_the_caller(results, name):
    own = Figure(figsize=(4, 3))
    axes = own.subplots(1, 2)
    assert load_figure(name).plot(results, ax=axes[1]) is own
    assert not axes[0].has_data()
    assert axes[1].has_data()
    assert not own.texts


@pytest.mark.parametrize(
    ("name", "choices", "text"),
    [
        ("counts", {"layer": "conv_53"}, "counts: .* got 'layer'; did you mean 'layers'"),
        ("counts", {"layers": ["conv_54"]}, "layers: .* got 'conv_54'; did you mean 'conv_53'"),
        ("counts", {"layers": []}, "layers: expected at least one, got none"),
        ("sample_embedding", {"classes": "rod"}, "classes: .* got 'rod'; did you mean 'red'"),
        ("importance", {"samples": [0, 99]}, "samples: expected numbers from 0 to 23, got"),
        ("importance", {"samples": 0}, "samples: expected at least 1 of 24, got 0"),
    ],
)
def test_a_wrong_choice_is_one_line(results, name, choices, text):
    with pytest.raises(InputError, match=text) as error:
        load_figure(name).plot(results, **choices)
    assert "\n" not in str(error.value)


def test_an_unknown_figure_is_one_line():
    with pytest.raises(InputError, match="got 'count'; did you mean 'counts'"):
        load_figure("count")


def test_results_in_memory_give_the_same_figure(results):
    held: dict[Unit, Result] = {Unit("training", 1): results.training()}
    layers = ("conv_33", "conv_53")
    held |= {Unit("knowledge", 1, layer): results.knowledge(layer) for layer in layers}
    figure = load_figure("counts")
    assert not figure.data(ResultsInMemory(held, results.seed)).paper
    held |= {Unit("evidence", 1, layer): results.evidence(layer) for layer in layers}
    held |= {Unit("controls", None, layer): results.load(ControlsResult, layer=layer) for layer in layers}
    in_memory = figure.data(ResultsInMemory(held, results.seed))
    assert figure.table(in_memory) == figure.table(figure.data(results))


def test_the_work_of_a_figure_can_be_sent_to_another_process():
    students = {"students": ["logits"]}
    asked = make_settings({"attack": {}, "faithfulness": {}, "distillation": students}, "a.toml", Path())
    for stage in figure_stages(study_stages(asked)):
        assert pickle.loads(pickle.dumps(stage)) == stage  # noqa: S301
        assert not any(need.stage.endswith("/features") for need in stage.needs)


def test_a_study_with_one_student_has_figures_that_read_no_other(attacked_study):
    asked = students_settings(attacked_study.parent, distillation={"enabled": True, "students": ["logits"]})
    assert asked.distillation.students == ("logits",)
    available = [stage.name for stage in study_stages(asked)]
    stage = figure_stage(load_figure("distilled_counts"), available)
    assert {need.stage for need in stage.needs} == {"distillation/logits", "student_analysis/logits"}


def test_importing_one_figure_imports_neither_another_nor_matplotlib():
    code = (
        "import sys; from patternscope.figures import load_figure; load_figure('knowledge_points');"
        "print(*[m for m in sys.modules if m.startswith(('patternscope.figures.', 'matplotlib'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {name.removeprefix("patternscope.figures.") for name in done.stdout.split()}
    assert modules & set(figure_names()) == {"knowledge_points"}
    assert not any(name.startswith("matplotlib") for name in modules)


@pytest.mark.parametrize("width", [1, 20, 60, 150])
def test_a_cut_name_is_the_longest_that_fits(width):
    name = "a very long name of a class, with $ signs"
    cut = shortened(name, 8, width).removesuffix("…")
    length = len(cut.replace(r"\$", "$"))
    assert name.startswith(cut.replace(r"\$", "$"))
    longer = name[: length + 2].rstrip().replace("$", r"\$")
    assert text_width(f"{longer}…", 8) > width
    assert length == 1 or text_width(f"{cut}…", 8) <= width
