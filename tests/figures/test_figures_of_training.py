"""Figures over training: curves, strip, animation, paths of regions; from one checkpoint to many."""

import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from patternscope.figures import emergence, region_paths, training_animation, training_strip
from patternscope.figures.drawing.checkpoint_embeddings import CheckpointEmbedding, TrainingData
from patternscope.figures.drawing.choices import ShownClasses, ShownSamples
from patternscope.figures.drawing.ellipses import coverage_ellipse
from patternscope.figures.drawing.examples import Examples
from patternscope.figures.drawing.video import write_videos
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.points import class_probability
from patternscope.results.emergence import CheckpointCounts, CheckpointName, ClassHistory, LayerHistory
from patternscope.results.fits import Alignment
from patternscope.results.knowledge import CountDifferences, Counts
from patternscope.results.study import open_results
from patternscope.settings.study import make_settings
from patternscope.study.run import run_analysis

SETTINGS = {
    "images": {"image_size": 32, "train_per_class": 4, "test_per_class": 3, "samples_per_class": 3},
    "network": {"layers": ["conv_33", "conv_53"]},
    "training": {"epochs": 1, "batch_size": 16, "checkpoints": 3},
    "importance": {"n_step": 1},
    "region": {"n_step": 1},
    "knowledge": {"bootstrap": 10, "taus": [0.4]},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training") / "study"
    run_analysis(folder, make_settings(SETTINGS, "tiny.toml", Path()), device="cpu", until="emergence")
    return open_results(folder)


def invented(count: int, classes: int, dimensions: int = 3) -> TrainingData:
    """Invented training: classes move out along their mean directions; the first has no strength at all."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(classes, dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), 4)
    places = directions[labels] + 0.1 * rng.normal(size=(len(labels), dimensions))
    checkpoints = [
        CheckpointEmbedding(
            checkpoint=number,
            name=f"epoch_{number}",
            step=None,
            embedding=places * number,
            mean_directions=directions,
            accuracy=0.5,
            alignment=Alignment(0.1, 0.0, 0.0) if number else None,
        )
        for number in range(count)
    ]
    samples, known = ShownSamples(np.arange(len(labels)), labels), [f"class {c} $" for c in range(classes)]
    return TrainingData(checkpoints, samples, ShownClasses.of(known), count)


@pytest.mark.parametrize(("count", "classes", "dimensions"), [(1, 2, 2), (12, 21, 3), (3, 11, 5)])
def test_a_strip_of_any_size_is_drawn(count, classes, dimensions):
    shown = invented(count, classes, dimensions)
    figure = training_strip.draw(shown)
    assert len(figure.axes) == count
    said = " ".join(text.get_text() for text in figure.texts)
    assert ("Shown: 3 of 5" in said) == (dimensions == 5)
    heads = [axes.texts[0].get_text() for axes in figure.axes]
    assert heads == [f"epoch_{number}" for number in range(count)]
    limits = {axes.get_xlim() for axes in figure.axes}
    assert len(limits) == 1
    assert len(training_strip.table(shown)) == count * classes


def test_many_checkpoints_are_thinned_and_keep_both_ends(results):
    chosen = training_strip.data(results, most=2)
    assert [at.checkpoint for at in chosen.checkpoints] == [0, 2]
    assert chosen.total == 3
    assert "2 of 3 checkpoints" in training_strip.draw(chosen).texts[1].get_text()
    assert [at.checkpoint for at in training_strip.data(results, most=1).checkpoints] == [2]


@given(st.integers(0, 1000), st.integers(3, 60), st.floats(0.1, 1.0))
@settings(max_examples=40)
def test_an_ellipse_covers_its_share_and_is_no_larger(seed, count, share):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 2)) @ rng.normal(size=(2, 2)) + rng.normal(size=2)
    ellipse = coverage_ellipse(points, share)
    turn = np.radians(ellipse.angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    inside = (((points - ellipse.centre) @ axes.T / np.array(ellipse.half_axes)) ** 2).sum(axis=1)
    assert (inside <= 1 + 1e-3).sum() >= share * count - 1e-9
    assert (inside < 1 - 1e-3).sum() < share * count
    assert ellipse.half_axes[0] >= ellipse.half_axes[1]


def test_points_on_a_line_have_no_ellipse():
    assert coverage_ellipse(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), 0.8) is None
    assert coverage_ellipse(np.zeros((9, 2)), 0.8) is None
    assert coverage_ellipse(np.eye(2), 0.8) is None


def test_the_strip_shows_the_embeddings_of_the_study(results):
    shown = training_strip.data(results)
    assert [at.step for at in shown.checkpoints] == [0, 1, 2]
    for at in shown.checkpoints:
        assert np.array_equal(at.embedding, results.sample(at.checkpoint).embedding.numpy())
    table = training_strip.table(shown)
    own = results.images.labels.numpy() == 0
    strengths = np.linalg.norm(shown.checkpoints[2].embedding[own].astype(float), axis=1)
    assert table[2 * 10]["strength"] == pytest.approx(strengths.mean(), rel=1e-6)


def test_curves_repeat_the_results_and_every_layer_has_its_ratio(results):
    shown = emergence.data(results)
    table = emergence.table(shown)
    for row in table:
        if row["class"] is None:
            counts = results.knowledge(row["layer"], row["checkpoint"]).counts
            assert (row["total"], row["unreliable_low"]) == (counts.total.value, counts.unreliable.low)
    assert len(table) == 2 * 11 * 3
    figure = emergence.draw(shown)
    assert [axes.get_title("left") for axes in figure.axes[:2]] == ["conv_33", "conv_53"]


@pytest.mark.parametrize(("count", "layers", "classes"), [(1, 1, 2), (14, 5, 25)])
def test_curves_of_any_size_are_drawn(count, layers, classes):
    one, none = Interval(1.0, 1.0, 1.0), Interval(None, None, None)
    checkpoints = [CheckpointName(number, f"epoch_{number}", None) for number in range(count)]
    counts = tuple(CheckpointCounts(at, Counts(one, one, one, none)) for at in checkpoints)
    names = [f"c{c}" for c in range(classes)]
    by_class = tuple(ClassHistory(name, counts) for name in names)
    growth = CountDifferences(one, one, none)
    histories = [LayerHistory(f"layer{number}", None, growth, counts, by_class, (), ()) for number in range(layers)]
    shown = emergence.EmergenceData(histories, checkpoints, ShownClasses.of(names), 0.4, 9)
    figure = emergence.draw(shown)
    drawn = [axes for axes in figure.axes if axes.axison]
    assert len(drawn) == 2 * layers + 1  # and the scale of the colours
    above, below = drawn[0], drawn[-2]
    assert above.get_ylim()[0] == 0 < 1 <= above.get_ylim()[1]
    assert below.collections[0].get_array().shape == (classes, count)
    assert len(below.get_xticks()) <= 5
    # Cells are as wide as training is long between their checkpoints.
    sides = below.collections[0].get_coordinates()[0, :, 0]
    assert all(low <= place <= high for low, place, high in zip(sides[:-1], shown.places, sides[1:], strict=True))


def test_paths_of_regions_are_those_of_the_results(results):
    shown = region_paths.data(results)
    for path in shown.paths:
        sample, label = shown.examples.samples[path.image], shown.examples.labels[path.image]
        for at, layer in np.ndindex(path.probability.shape):
            name = shown.layers[layer]
            known, region_fit = results.knowledge(name, at), results.region(name, at)
            h = region_fit.embedding[sample] / known.unit_strength
            mu = results.sample(at).mean_directions
            own = region_fit.embedding[[sample]]
            told = results.evidence(name, at).point_temperatures.rows(torch.tensor([sample]))
            probability = class_probability(own, mu, torch.tensor([label]), known.kappa_max, told)[0].numpy()
            # The region is the one at whose centre the box of the last layer lies.
            rows, columns = region_fit.grid
            x, y = path.box[0] + path.box[2] / 2, path.box[1] + path.box[3] / 2
            region = int(y * rows) * columns + int(x * columns)
            assert path.probability[at, layer] == pytest.approx(probability[region], abs=1e-6)
            assert np.allclose(path.points[at, layer], h[region].numpy())
            assert path.mask[at, layer] == known.mask[sample, region]
            if (at, layer) == (2, len(shown.layers) - 1):
                assert probability[region] == probability.max()
    assert len(region_paths.table(shown)) == len(shown.paths) * 3 * 2


@pytest.mark.parametrize(("count", "layers", "classes"), [(1, 1, 2), (15, 6, 12)])
def test_paths_of_any_length_are_drawn(count, layers, classes):
    rng = np.random.default_rng(0)
    examples = Examples(
        np.array([4]), np.zeros((1, 8, 8, 3), np.uint8), np.array([1]), [f"c{c}" for c in range(classes)]
    )
    shape = (count, layers)
    path = region_paths.RegionPath(
        0,
        (0.5, 0.5, 0.25, 0.25),
        rng.normal(size=(*shape, 3)),
        rng.random(shape),
        rng.random(shape) > 0.5,
        rng.random(shape) > 0.7,
    )
    directions = rng.normal(size=(classes, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    names, known = [f"epoch_{number}" for number in range(count)], [f"layer{n}" for n in range(layers)]
    figure = region_paths.draw(region_paths.RegionPathsData(examples, [path], directions, known, names, "checkpoint"))
    matrix = figure.axes[-1]
    assert len(matrix.patches) == path.mask.sum()
    assert bool(matrix.texts) == (count <= 12)


def test_an_animation_passes_every_checkpoint_and_is_the_same_again(tmp_path):
    shown = invented(3, 2)
    frames = list(training_animation.frames(shown))
    assert [frame.place for frame in frames if frame.milliseconds >= 700] == [0, 1, 2]
    for before, after in itertools.pairwise(frames):
        assert 0 < after.place - before.place < 0.2
    for frame in frames:
        assert np.allclose(frame.at.embedding, shown.checkpoints[2].embedding * frame.place / 2)
        assert np.allclose(np.linalg.norm(frame.at.mean_directions, axis=1), 1)
    short = TrainingData(shown.checkpoints[:2], shown.samples, shown.classes, 2)
    for name in ("a", "b"):
        training_animation.write_gif(tmp_path / f"{name}.gif", short)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == len(list(training_animation.frames(short)))
        assert gif.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        assert gif.info["duration"] == 700


def test_one_checkpoint_is_one_frame():
    assert len(list(training_animation.frames(invented(1, 2)))) == 1


@pytest.fixture
def gif(tmp_path) -> Path:
    path = tmp_path / "figures/moving/moving.gif"
    path.parent.mkdir(parents=True)
    pictures = [Image.new("RGB", (21, 15), (each, 0, 0)) for each in (0, 120, 250)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    return path


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_video_is_made_once_beside_the_units_with_the_same_bytes(gif):
    video = gif.parents[1] / "moving.mp4"
    assert write_videos(gif.parents[1]) == [video]
    content = video.read_bytes()
    assert content[4:8] == b"ftyp"
    assert write_videos(gif.parents[1]) == []
    video.unlink()
    write_videos(gif.parents[1])
    assert video.read_bytes() == content
    assert sorted(path.name for path in gif.parent.iterdir()) == ["moving.gif"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_video_that_cannot_be_made_is_said(gif):
    gif.write_bytes(b"GIF89a, but no picture")
    with pytest.warns(UserWarning, match=r"moving.mp4 was not made: ffmpeg: "):
        assert write_videos(gif.parents[1]) == []
    assert sorted(path.name for path in gif.parents[1].iterdir()) == ["moving"]


def test_a_gif_of_any_time_is_told_from_the_one_before(gif, tmp_path, monkeypatch):
    """As where the clock was set back between the two."""
    (tmp_path / "bin").mkdir()
    (copying := tmp_path / "bin/ffmpeg").write_text('#!/bin/sh\nfor last; do :; done\ncp "$5" "$last"\n')
    copying.chmod(0o755)
    monkeypatch.setenv("PATH", str(copying.parent), prepend=os.pathsep)
    video = gif.parents[1] / "moving.mp4"
    for seconds in (2e9, 1e9, 1.5e9):
        gif.write_bytes(f"drawn at {seconds}".encode())
        os.utime(gif, (seconds, seconds))
        assert write_videos(gif.parents[1]) == [video]
        assert video.read_bytes() == gif.read_bytes()
        assert write_videos(gif.parents[1]) == []


def test_without_ffmpeg_there_is_no_video(gif, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert write_videos(gif.parents[1]) == []
