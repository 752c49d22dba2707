"""Outlines, labels, views and choices behind the figures."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patternscope.figures import regional_embedding, sample_embedding
from patternscope.figures.drawing.choices import ShownClasses, ShownSamples
from patternscope.figures.drawing.density import class_density
from patternscope.figures.drawing.examples import choose_examples
from patternscope.figures.drawing.labels import place_labels, shortened, text_width
from patternscope.figures.drawing.outlines import outlines
from patternscope.figures.drawing.style import class_marks
from patternscope.figures.drawing.views import choose_view, dimension_note, project, shown_lengths
from patternscope.radial.view import separating_axes

MASKS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 5)))


def area(line: np.ndarray) -> float:
    x, y = line.T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


@given(MASKS)
@settings(max_examples=100)
def test_outlines_enclose_the_chosen_cells(mask):
    lines = outlines(mask, inset=1e-4)
    assert all((line[0] == line[-1]).all() for line in lines)
    # Clockwise around cells, the other way around holes: signed areas add up to the number of cells.
    assert sum(map(area, lines)) == pytest.approx(mask.sum(), abs=0.05)


@given(MASKS)
@settings(max_examples=100)
def test_outlines_of_complements_do_not_meet(mask):
    inside = outlines(mask, inset=0.1)
    outside = outlines(~mask, inset=0.1)
    ours = {tuple(point) for line in inside for point in line}
    assert not ours & {tuple(point) for line in outside for point in line}


@given(st.integers(0, 1000), st.integers(1, 12))
@settings(max_examples=30)
def test_labels_do_not_overlap(seed, count):
    rng = np.random.default_rng(seed)
    tips = rng.uniform(-150, 150, (count, 2))
    sizes = np.stack([rng.uniform(10, 60, count), np.full(count, 9.0)], axis=1)
    centres = place_labels(tips, sizes, (230, 230))
    for first in range(count):
        for second in range(first):
            room = np.abs(centres[first] - centres[second]) - (sizes[first] + sizes[second]) / 2
            assert room.max() >= -1e-9


def test_long_names_are_cut_to_what_fits():
    assert shortened("cat", 8, 50) == "cat"
    cut = shortened("a very long name of a class", 8, 60)
    assert cut.endswith("…")
    assert text_width(cut, 8) <= 60


def test_many_long_names_are_cut_without_measuring_each(monkeypatch):
    """120 names of 60 letters: their letters are measured once, and no text as a whole."""
    from patternscope.figures.drawing import labels

    measured, measure = [], labels._outline_width
    monkeypatch.setattr(labels, "_outline_width", lambda text: measured.append(text) or measure(text))
    labels._advance.cache_clear()
    letters = "abcdefghij "
    names = ["".join(np.random.default_rng(seed).choice(list(letters), 60)) for seed in range(120)]
    cut = [shortened(name, size, width) for name in names for size, width in ((8, 50), (6, 90), (5.5, 40))]
    assert all(name.endswith("…") for name in cut)
    assert len(measured) <= 2 * len(set(f"{letters}…"))
    assert max(map(len, measured)) == 3


@pytest.mark.parametrize("text", ["cat", "WAVE To. AV", "naïve café", r"a\$b", "fi ffi"])
def test_widths_are_those_of_matplotlib_but_for_kerning(text):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    from patternscope.figures.drawing.style import font_families

    prop = FontProperties(family=font_families(), size=8)
    width, _, _ = text_to_path.get_text_width_height_descent(text.replace(r"\$", "$"), prop, ismath=False)
    assert width - 0.3 <= text_width(text, 8) <= 1.1 * width


def unit_vectors(classes: int, dimensions: int, seed: int) -> np.ndarray:
    directions = np.random.default_rng(seed).normal(size=(classes, dimensions))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@given(st.integers(1, 12), st.integers(2, 12), st.integers(0, 100))
@settings(max_examples=60)
def test_a_view_is_an_orthographic_one_of_its_axes(classes, dimensions, seed):
    directions = unit_vectors(classes, dimensions, seed)
    view = choose_view(directions)
    assert view.matrix.shape == (min(3, dimensions), dimensions)
    assert np.allclose(view.matrix @ view.matrix.T, np.eye(len(view.matrix)), atol=1e-5)
    seen = np.linalg.norm(project(directions, view), axis=1)
    assert np.allclose(seen, shown_lengths(directions, view), atol=1e-5)
    if dimensions <= 3:
        assert np.allclose(seen, 1)
    assert (dimension_note(view) == []) == (dimensions <= 3)


@given(st.integers(5, 12), st.integers(0, 100))
@settings(max_examples=20)
def test_a_figure_is_seen_along_the_axes_of_the_atlas_and_says_what_they_show(classes, seed):
    directions = unit_vectors(classes, classes + 2, seed)
    view = choose_view(directions)
    assert np.allclose(view.matrix, separating_axes(torch.from_numpy(directions)).numpy())
    apart = directions - directions.mean(axis=0)
    seen = shown_lengths(apart, view)
    assert view.share == pytest.approx(seen @ seen / (apart**2).sum(), abs=1e-5)


@given(st.integers(1, 3), st.integers(0, 100))
@settings(max_examples=30)
def test_up_to_three_classes_are_seen_as_they_are(classes, seed):
    directions = unit_vectors(classes, 9, seed)
    view = choose_view(directions)
    seen = project(directions, view)
    assert np.allclose(seen @ seen.T, directions @ directions.T, atol=1e-5)
    assert view.share == pytest.approx(1, abs=1e-5)


@given(st.integers(1, 40), st.integers(0, 100))
@settings(max_examples=40)
def test_examples_are_spread_over_classes_and_nested(count, seed):
    labels = np.repeat([0, 1, 3], [5, 9, 2])
    chosen = choose_examples(labels, count, seed)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(labels))
    held = np.bincount(labels[chosen], minlength=4)[[0, 1, 3]]
    # A class gives one more than another only where the other has no more.
    assert all(held.max() <= own + 1 or own == has for own, has in zip(held, (5, 9, 2), strict=True))
    assert set(chosen) <= set(choose_examples(labels, count + 1, seed))


@given(st.integers(0, 200), st.integers(1, 12), st.integers(0, 50))
@settings(max_examples=40)
def test_a_density_counts_each_point_within_reach_once(count, cells, seed):
    rng = np.random.default_rng(seed)
    places, category = rng.uniform(-1.4, 1.4, (count, 2)), rng.integers(-1, 3, count)
    density = class_density(places, category, 3, 1.0, cells)
    assert density.total.sum() == (np.abs(places) < 1).all(axis=1).sum()
    assert (density.category[density.total == 0] == -1).all()
    # Mirrored points lie in mirrored cells.
    mirrored = class_density(places * [1, -1], category, 3, 1.0, cells)
    assert np.array_equal(mirrored.total[::-1], density.total)


def test_a_cell_has_the_class_of_most_of_its_points_and_darkens_with_their_number():
    places = np.repeat([[-0.5, 0.5], [0.5, 0.5], [-0.5, -0.5]], [9, 5, 2], axis=0)
    category = np.array([0] * 4 + [1] * 5 + [-1] * 3 + [0] * 2 + [1] * 2)
    density = class_density(places, category, 2, 1.0, 2)
    assert density.category.tolist() == [[1, -1], [1, -1]]
    assert density.total.tolist() == [[2, 0], [9, 5]]
    shades = density.colours(["#ff0000", "#0000ff"], "#888888")
    assert shades[1, 0].tolist() == [0, 0, 1]
    assert shades[0, 0].sum() > shades[1, 0].sum()
    assert shades[0, 1].tolist() == [1, 1, 1]


def test_eighty_classes_have_marks_of_their_own():
    assert len(set(class_marks(80))) == 80


@pytest.mark.parametrize(("classes", "dimensions"), [(2, 2), (40, 3), (3, 5)])
def test_embeddings_of_any_size_are_drawn(classes, dimensions):
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(classes, dimensions))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    labels = np.repeat(np.arange(classes), 3)
    names = [f"class with a long name {each} $" for each in range(classes)]
    known = ShownClasses.of(names)
    samples = ShownSamples(np.arange(len(labels)), labels)
    shown = sample_embedding.SampleEmbeddingData(
        directions[labels], samples, directions, known, "training step 3", 0.5, -0.4
    )
    figure = sample_embedding.draw(shown)
    said = " ".join(text.get_text() for text in figure.texts)
    assert ("Shown: 3 of 5" in said) == (dimensions == 5)
    assert len([text for text in figure.axes[0].texts if "class" in text.get_text()]) == classes
    cloud = regional_embedding.LayerCloud("layer4.1", directions[labels], labels - 1)
    data = regional_embedding.RegionalEmbeddingData([cloud], directions, known, 0.4, "training step 3")
    panel = regional_embedding.draw(data).axes[0]
    assert any(f"{len(labels):,} regions" in text.get_text() for text in panel.texts)
