"""Figures of an attack: files and tables of a small study, smooth paths through few points, the view between."""

import csv
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from easy_study import easy_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.api.figure_stages import figure_stages
from patternscope.api.study_page import read_study_page
from patternscope.atlas.stage import atlas_stage
from patternscope.errors import InputError
from patternscope.figures import attack_change, attack_histogram, attack_regions, attack_trajectories, figure_names
from patternscope.figures.attack_trajectories import Trajectories, between
from patternscope.figures.drawing.smoothing import smooth_path
from patternscope.knowledge.attack_analysis import Trajectory
from patternscope.knowledge.intervals import Interval
from patternscope.results.attack import AttackAnalysisResult, AttackResult, Histogram
from patternscope.results.study import open_results
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_analysis, saved_status
from patternscope.study.stages import study_stages

OF_EVERY_STUDY = figure_stages(study_stages(StudySettings()))
WITH_ATTACK = figure_stages(study_stages(make_settings({"attack": {}}, "study.toml", Path())))
OF_ATTACKS = tuple(stage for stage in WITH_ATTACK if stage not in OF_EVERY_STUDY)
NOTHING = Interval(None, None, None)


@pytest.fixture(scope="module")
def drawn(attacked_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attack") / "study"
    shutil.copytree(attacked_study, folder)
    run_analysis(folder, easy_settings(attacked_study.parent), lambda _: OF_ATTACKS, device="cpu")
    return folder


def test_a_study_with_an_attack_has_its_figures():
    everything = figure_stages(study_stages(StudySettings().with_all_parts()))
    # A figure reads more of a study that has more: its stage is then another one of the same name.
    names = {stage.name for stage in everything}
    assert names > {stage.name for stage in (*OF_EVERY_STUDY, *OF_ATTACKS)}
    assert set(WITH_ATTACK) == {*OF_EVERY_STUDY, *OF_ATTACKS}
    assert [stage.name.removeprefix("figures/") for stage in everything] == list(figure_names())
    assert len(OF_ATTACKS) == 5


def test_each_figure_is_a_picture_a_drawing_a_table_and_its_settings(drawn):
    for stage in OF_ATTACKS:
        name = stage.name.removeprefix("figures/")
        written = {path.name for path in (drawn / stage.name).iterdir()}
        assert written == {"manifest.json", *(f"{name}.{kind}" for kind in ("png", "svg", "csv", "json"))}
        with (drawn / stage.name / f"{name}.csv").open(encoding="utf-8") as file:
            assert list(csv.DictReader(file))


def test_regions_are_those_of_the_results(drawn):
    results = open_results(drawn)
    shown = attack_regions.data(results, 3)
    attack = results.load(AttackResult)
    assert attack.success[shown.examples.samples].all()
    analysis = results.load(AttackAnalysisResult, layer="conv_53")
    for image, sample in enumerate(shown.examples.samples):
        label, target = shown.examples.labels[image], shown.targets[image]
        assert target == attack.targets[sample]
        own, other = shown.of_class(0, image, label), shown.of_class(1, image, target)
        assert own.ravel().tolist() == analysis.original_points_mask[sample].tolist()
        assert other.ravel().tolist() == analysis.target_points_mask[sample].tolist()
    assert not np.array_equal(shown.pixels[0], shown.pixels[1])
    assert np.abs(shown.pixels[0].astype(int) - shown.pixels[1]).max() <= 0.1 * 255 + 1
    assert attack_regions.data(results, 3, layer="conv_33").layer == "conv_33"
    with pytest.raises(InputError, match="samples: expected images on which the attack succeeded, got"):
        attack_regions.data(results, torch.nonzero(~attack.success).flatten().tolist())


def test_trajectories_are_those_of_the_type(drawn):
    results = open_results(drawn)
    shown = attack_trajectories.data(results)
    types = results.load(AttackAnalysisResult, layer="conv_53").trajectory
    totals = [group.total for group in shown.trajectories]
    assert totals == [int((types == type_).sum()) for type_ in (1, 2, 3, 4)]
    assert any(totals)
    for group in shown.trajectories:
        assert len(group.points) == min(6, group.pair) <= group.total
        if group.type == Trajectory.FROM_NOTHING:
            assert (np.linalg.norm(group.points[:, 0], axis=1) < 0.5).all()
        if group.type == Trajectory.TO_NOTHING:
            assert (np.linalg.norm(group.points[:, -1], axis=1) < 1).all()
    table = attack_trajectories.table(shown)
    assert len(table) == sum(len(group.points) for group in shown.trajectories) * len(shown.steps)


def test_curves_and_histograms_repeat_the_results(drawn):
    results = open_results(drawn)
    rows = attack_change.table(attack_change.data(results))
    shown = attack_histogram.data(results)
    about, bins = attack_histogram.about(shown), attack_histogram.table(shown)
    for row, layer in zip(rows, shown.layers, strict=True):
        analysis = results.load(AttackAnalysisResult, layer=row["layer"])
        assert row["orientation_change"] == analysis.orientation_change.value
        assert [cell["regions"] for cell in bins if cell["layer"] == layer] == analysis.histogram.counts
        assert about["below_tau"][layer] == analysis.below_tau.value
    assert [row["layer"] for row in rows] == ["conv_33", "conv_53"]


def test_an_attack_that_misled_nobody_is_a_finding_and_the_study_goes_on(attacked_study, tmp_path):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    asked = easy_settings(attacked_study.parent, attack={"epsilon": 1e-6, "n_step": 2})

    def pages(_):
        return (*OF_EVERY_STUDY, *OF_ATTACKS, atlas_stage(attack=True))

    run_analysis(folder, asked, pages, device="cpu")
    results = open_results(folder)
    attack = results.load(AttackResult)
    assert attack.succeeded_count == 0
    drawing = attack_regions.draw(attack_regions.data(results, 3))
    attacked = attack.attacked_count
    assert f"The attack succeeded on none of {attacked} images." in [text.get_text() for text in drawing.texts]
    assert {unit.state for unit in saved_status(folder, pages)} == {"done"}
    assert any(f"succeeded on 0 of {attacked} " in each.sentence for each in read_study_page(folder).findings)


@pytest.mark.parametrize("dimensions", [2, 3, 5])
@pytest.mark.parametrize("steps", [2, 3, 11])
def test_trajectories_of_any_size_are_drawn(dimensions, steps):
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0][:2]
    moving = rng.normal(size=(2, steps, dimensions)).cumsum(axis=1)
    still = np.repeat(moving[:, :1], steps, axis=1)
    paths = (moving, still, moving[:1], moving[:0])
    groups = [
        Trajectories(type_, points, 0, 1, total=len(points), pair=len(points))
        for type_, points in zip(attack_trajectories.TITLES, paths, strict=True)
    ]
    shown = attack_trajectories.AttackTrajectoriesData(
        groups, list(range(steps)), directions, ["a class with a very long name $", "b"], "layer4", "l2 attack"
    )
    figure = attack_trajectories.draw(shown)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert sum("no region has this trajectory" in text for text in said) == 1


def test_no_point_of_the_target_and_no_orientation_are_drawn():
    empty = SimpleNamespace(histogram=Histogram([0.0, 0.5, 1.0], [0, 0]), below_tau=NOTHING)
    figure = attack_histogram.draw(attack_histogram.AttackHistogramData({"conv": empty}, 0.4, "l2 attack"))
    assert any("no region" in text.get_text() for axes in figure.axes for text in axes.texts)
    still = SimpleNamespace(orientation_change=NOTHING, strength_change=NOTHING)
    attack_change.draw(attack_change.AttackChangeData({"conv": still}, 3, "l2 attack"))


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(2, 4))
@settings(max_examples=60)
def test_a_smooth_path_passes_its_points_and_stays_among_them(seed, count, dimensions):
    rng = np.random.default_rng(seed)
    # Few distinct points, some of them repeated.
    points = rng.normal(size=(3, dimensions))[np.sort(rng.integers(0, 3, count))]
    places, curve = smooth_path(points, 50)
    assert curve.shape == (50, dimensions)
    assert np.isfinite(curve).all()
    assert np.allclose(curve[0], points[0])
    assert np.allclose(curve[-1], points[-1])
    assert (curve >= points.min(axis=0) - 1e-9).all()
    assert (curve <= points.max(axis=0) + 1e-9).all()
    assert (np.diff(places) >= 0).all()
    assert places[-1] == count - 1


def test_a_smooth_path_is_where_its_places_say():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 2.0], [4.0, 2.0]])
    places, curve = smooth_path(points, 601)
    for place, point in ((0, points[0]), (2, points[2]), (3, points[3]), (4, points[4])):
        nearest = np.abs(places - place).argmin()
        assert np.allclose(curve[nearest], point, atol=0.02)
    with pytest.raises(InputError, match=r"points: expected shape .* got \(0, 2\)"):
        smooth_path(np.zeros((0, 2)), 5)


@pytest.mark.parametrize("dimensions", [2, 3, 5])
@given(seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_the_view_is_from_between(dimensions, seed):
    rng = np.random.default_rng(seed)
    own, target = rng.normal(size=(2, dimensions))
    own, target = own / np.linalg.norm(own), target / np.linalg.norm(target)
    view = between(own, target, np.eye(dimensions)[1:4]).matrix
    assert np.allclose(view @ view.T, np.eye(len(view)))
    mine, theirs = view @ own, view @ target
    # Mirror images of each other: the own class left, the target right, equally high and near, at their own angle.
    assert mine[0] < 0 < theirs[0]
    assert np.allclose(mine * [-1, *[1] * (len(view) - 1)], theirs)
    assert mine @ theirs == pytest.approx(own @ target)
    if dimensions == 3:
        assert np.linalg.det(view) == pytest.approx(1)


@pytest.mark.parametrize("dimensions", [2, 3, 9])
def test_opposite_directions_have_a_view_too(dimensions):
    own = np.eye(dimensions)[0]
    view = between(own, -own, np.eye(dimensions)[:3]).matrix
    assert np.allclose(view @ view.T, np.eye(min(3, dimensions)))
    assert (view @ own)[0] == pytest.approx(-1)
