"""Figures of an attack: files and tables of a small study, smooth ways through few points, the view between."""

import csv
import shutil

import numpy as np
import pytest
from easy_study import easy_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.atlas.stage import atlas_stage
from patternscope.errors import InputError
from patternscope.figures import (
    ATTACK_FIGURE_STAGES,
    FIGURE_STAGES,
    attack_change,
    attack_histogram,
    attack_regions,
    attack_trajectories,
    figure_stages,
    open_findings,
)
from patternscope.figures.attack_trajectories import between
from patternscope.figures.smoothing import smooth_path
from patternscope.knowledge import Trajectory
from patternscope.report import read_page
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_study, saved_status
from patternscope.study.stages import study_stages


@pytest.fixture(scope="module")
def drawn(attacked_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attack") / "study"
    shutil.copytree(attacked_study, folder)
    asked = easy_settings(attacked_study.parent)
    run_study(folder, asked, (*study_stages(asked), *ATTACK_FIGURE_STAGES), device="cpu")
    return folder


def test_a_study_with_an_attack_has_its_figures():
    assert figure_stages(StudySettings()) == FIGURE_STAGES
    names = {stage.name for stage in figure_stages(StudySettings().with_all_parts())}
    assert names >= {stage.name for stage in ATTACK_FIGURE_STAGES}


def test_each_figure_is_a_picture_a_drawing_a_table_and_its_settings(drawn):
    for stage in ATTACK_FIGURE_STAGES:
        name = stage.name.removeprefix("figures/")
        written = {path.name for path in (drawn / stage.name).iterdir()}
        assert written == {"manifest.json", *(f"{name}.{kind}" for kind in ("png", "svg", "csv", "json"))}
        with (drawn / stage.name / f"{name}.csv").open(encoding="utf-8") as file:
            assert list(csv.DictReader(file))


def test_regions_are_those_of_the_findings(drawn):
    study = open_findings(drawn)
    shown = attack_regions.data(study, 3)
    attack = study.arrays("attack")
    assert attack["success"][shown.examples.samples].all()
    found = study.arrays("adversarial", layer="conv_53")
    for image, sample in enumerate(shown.examples.samples):
        label, target = shown.examples.labels[image], shown.targets[image]
        assert target == attack["targets"][sample]
        own, other = shown.of_class(0, image, label), shown.of_class(1, image, target)
        assert own.ravel().tolist() == found["original_points"][sample].tolist()
        assert other.ravel().tolist() == found["target_points"][sample].tolist()
    assert not np.array_equal(shown.pixels[0], shown.pixels[1])
    assert np.abs(shown.pixels[0].astype(int) - shown.pixels[1]).max() <= 0.1 * 255 + 1
    assert attack_regions.data(study, 3, "conv_33").layer == "conv_33"


def test_ways_are_those_of_the_type(drawn):
    study = open_findings(drawn)
    shown = attack_trajectories.data(study)
    kinds = study.arrays("adversarial", layer="conv_53")["trajectory"]
    assert [ways.total for ways in shown.ways] == [int((kinds == each).sum()) for each in (1, 2, 3, 4)]
    assert any(ways.total for ways in shown.ways)
    for ways in shown.ways:
        assert len(ways.points) == min(6, ways.pair) <= ways.total
        if ways.kind == Trajectory.FROM_NOTHING:
            assert (np.linalg.norm(ways.points[:, 0], axis=1) < 0.5).all()
        if ways.kind == Trajectory.TO_NOTHING:
            assert (np.linalg.norm(ways.points[:, -1], axis=1) < 1).all()
    table = attack_trajectories.table(shown)
    assert len(table) == sum(len(ways.points) for ways in shown.ways) * len(shown.steps)


def test_curves_and_histograms_repeat_the_findings(drawn):
    study = open_findings(drawn)
    rows = attack_change.table(attack_change.data(study))
    shown = attack_histogram.data(study)
    for row, layer in zip(rows, shown.layers, strict=True):
        found = study.record("adversarial", layer=row["layer"])
        assert row["orientation_change"] == found["orientation_change"]
        assert layer.counts == found["histogram"]["counts"]
        assert layer.below_tau == found["below_tau"]
    assert [row["layer"] for row in rows] == ["conv_33", "conv_53"]


def test_an_attack_that_misled_nobody_is_a_finding_and_the_study_goes_on(attacked_study, tmp_path):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    asked = easy_settings(attacked_study.parent, attack={"epsilon": 1e-6, "n_step": 2})
    stages = (*study_stages(asked), *ATTACK_FIGURE_STAGES, atlas_stage(asked))
    run_study(folder, asked, stages, device="cpu")
    study = open_findings(folder)
    assert study.record("attack")["succeeded"] == 0
    drawing = attack_regions.draw(attack_regions.data(study, 3))
    attacked = study.record("attack")["attacked"]
    assert f"The attack succeeded on none of {attacked} images." in [
        text.get_text() for text in drawing.texts
    ]
    assert {each.state for each in saved_status(folder, stages)} == {"done"}
    assert any(f"succeeded on 0 of {attacked} " in each for each in read_page(folder).headlines)


@pytest.mark.parametrize("dimensions", [2, 3, 5])
@pytest.mark.parametrize("steps", [2, 3, 11])
def test_ways_of_any_size_are_drawn(dimensions, steps):
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0][:2]
    moving = rng.normal(size=(2, steps, dimensions)).cumsum(axis=1)
    still = np.repeat(moving[:, :1], steps, axis=1)
    ways = [
        attack_trajectories.Ways(kind, points, 0, 1, total=len(points), pair=len(points))
        for kind, points in zip(
            attack_trajectories.TITLES, (moving, still, moving[:1], moving[:0]), strict=True
        )
    ]
    shown = attack_trajectories.AttackTrajectoriesData(
        ways, list(range(steps)), directions, ["a class with a very long name $", "b"], "layer4", "l2 attack"
    )
    figure = attack_trajectories.draw(shown)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert sum("no region goes this way" in text for text in said) == 1


def test_no_point_of_the_target_and_no_orientation_are_drawn():
    empty = attack_histogram.LayerHistogram("conv", [0.0, 0.5, 1.0], [0, 0], None)
    figure = attack_histogram.draw(attack_histogram.AttackHistogramData([empty], 0.4, "l2 attack"))
    assert any("no region" in text.get_text() for axes in figure.axes for text in axes.texts)
    row = {"layer": "conv", **dict.fromkeys(attack_change._FIELDS)}
    attack_change.draw(attack_change.AttackChangeData([row], 3, "l2 attack"))


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_a_smooth_way_passes_its_points_and_stays_among_them(seed, count, dimensions):
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


def test_a_smooth_way_is_where_its_places_say():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 2.0], [4.0, 2.0]])
    places, curve = smooth_path(points, 601)
    for place, point in ((0, points[0]), (2, points[2]), (3, points[3]), (4, points[4])):
        nearest = np.abs(places - place).argmin()
        assert np.allclose(curve[nearest], point, atol=0.02)
    with pytest.raises(InputError, match=r"points: got shape \(0, 2\)"):
        smooth_path(np.zeros((0, 2)), 5)


@pytest.mark.parametrize("dimensions", [2, 3, 5])
@given(seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_view_is_from_between(dimensions, seed):
    rng = np.random.default_rng(seed)
    own, target = rng.normal(size=(2, dimensions))
    own[3:] = target[3:] = 0
    own, target = own / np.linalg.norm(own), target / np.linalg.norm(target)
    view = between(own, target)
    assert np.allclose(view @ view.T, np.eye(len(view)))
    mine, theirs = (view @ each[: len(view)] for each in (own, target))
    # Mirror images of each other: the own class left, the target right, equally high and near.
    assert mine[0] < 0 < theirs[0]
    assert np.allclose(mine * [-1, *[1] * (len(view) - 1)], theirs)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_opposite_directions_have_a_view_too(dimensions):
    own = np.eye(dimensions)[0]
    view = between(own, -own)
    assert np.allclose(view @ view.T, np.eye(dimensions))
    assert (view @ own)[0] == pytest.approx(-1)
