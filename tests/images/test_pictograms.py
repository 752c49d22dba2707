"""The drawn images: determined by seed and index, exact masks, classes told by shape alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from patternscope.errors import InputError
from patternscope.images.pictograms import CLASSES, draw, draw_many, drawing
from patternscope.images.pictograms.pose import _extent


def same(first, second) -> bool:
    return first.image.tobytes() == second.image.tobytes() and first.mask.tobytes() == second.mask.tobytes()


@settings(max_examples=15)
@given(start=st.integers(0, 10**12), count=st.integers(1, 4), seed=st.integers(0, 2**64), size=st.integers(16, 40))
def test_a_picture_depends_on_seed_index_and_size_alone(start, count, seed, size):
    many = draw_many(count, size=size, seed=seed, start=start)
    for i in reversed(range(count)):
        alone = draw(start + i, size=size, seed=seed)
        assert np.array_equal(many.images[i], alone.image.transpose(2, 0, 1))
        assert np.array_equal(many.masks[i], alone.mask)
        assert many.labels[i] == alone.label == (start + i) % 10


def test_types_and_shapes():
    picture = draw(7, size=48)
    assert picture.image.dtype == np.uint8
    assert picture.image.shape == (48, 48, 3)
    assert picture.mask.dtype == bool
    assert picture.mask.shape == (48, 48)
    assert CLASSES[picture.label] == "ipod"
    many = draw_many(0, size=16)
    assert many.images.shape == (0, 3, 16, 16)
    assert many.labels.dtype == np.int64


@pytest.mark.parametrize("name", CLASSES)
def test_an_object_has_several_parts(name):
    parts = drawing._SHAPES[name](np.random.default_rng(0))
    assert len(parts) > 8 or (name, len(parts)) == ("ipod", 8)


def test_seeds_and_indices_give_different_pictures():
    pictures = [draw(index, size=16, seed=seed) for seed in (0, 1) for index in (0, 10)]
    assert len({picture.image.tobytes() for picture in pictures}) == 4


@pytest.mark.parametrize("index", range(0, 300, 7))
def test_the_mask_is_where_a_white_object_on_black_is_half_white_or_more(index, monkeypatch):
    def black(seed, index, size, zoom):
        return Image.new("RGB", (size * zoom, size * zoom)), [(0, 0, 0)]

    def white(rng, others):
        return dict.fromkeys(("body", "deep", "soft", "trim", "dark", "light"), (255, 255, 255))

    monkeypatch.setattr(drawing, "_scene", black)
    monkeypatch.setattr(drawing, "palette", white)
    monkeypatch.setattr(drawing.scene, "light", lambda rng, picture: picture)
    picture = draw(index, seed=3)
    assert np.array_equal(picture.image[:, :, 0] >= 128, picture.mask)


def grown(mask):
    """The mask and its eight neighbours, a pixel at a time."""
    padded = np.pad(mask, 1)
    size = len(mask)
    return np.any([padded[i : i + size, j : j + size] for i in range(3) for j in range(3)], axis=0)


@pytest.mark.parametrize("index", range(20))
def test_the_object_changes_the_pixels_of_its_mask_and_its_rim(index):
    shown, hidden = draw(index, seed=3), draw(index, seed=3, with_object=False)
    assert not hidden.mask.any()
    changed = (shown.image != hidden.image).any(axis=2)
    # Lines thinner than half a pixel are drawn, yet in no mask.
    assert (changed & ~grown(shown.mask)).sum() <= 0.03 * shown.mask.sum()
    assert changed[shown.mask].mean() > 0.9


def test_the_mask_at_twice_the_size_is_the_same_silhouette():
    for index in range(10):
        small, large = draw(index, size=64).mask, draw(index, size=128).mask
        cover = large.reshape(64, 2, 64, 2).mean(axis=(1, 3))
        assert np.abs(cover - small).mean() < 0.03


def test_objects_cover_ten_to_thirty_percent_and_lie_within_the_picture():
    masks = draw_many(100, size=64, seed=2).masks
    share = masks.mean(axis=(1, 2))
    assert share.min() > 0.07
    assert share.max() < 0.32
    assert 0.15 < share.mean() < 0.21
    border = np.concatenate([masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]], axis=1)
    assert not border.any()


def test_scene_and_light_never_look_at_the_class(monkeypatch):
    before = [draw(index, size=32, with_object=False).image for index in range(10)]
    monkeypatch.setattr(drawing, "CLASSES", CLASSES[5:] + CLASSES[:5])
    after = [draw(index, size=32, with_object=False).image for index in range(10)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_linear_reader_of_colours_hardly_beats_chance():
    train, test = draw_many(600, size=16, seed=0), draw_many(300, size=16, seed=0, start=10**6)

    def colours(images):
        pixels = images.reshape(len(images), 3, -1) / 255.0
        return np.concatenate([pixels.mean(2), pixels.std(2), np.ones((len(images), 1))], axis=1)

    target = np.eye(10)[train.labels]
    weights = np.linalg.lstsq(colours(train.images), target, rcond=None)[0]
    accuracy = ((colours(test.images) @ weights).argmax(1) == test.labels).mean()
    assert accuracy < 0.25


def test_global_random_state_is_as_found():
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    draw_many(3, size=16)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_progress_counts_every_picture():
    told = []
    draw_many(3, size=16, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"index": -1}, "index: expected 0 or more, got -1"),
        ({"index": 0, "size": 15}, "size: expected 16 or more, got 15"),
        ({"index": 0, "seed": -2}, "seed: expected 0 or more, got -2"),
    ],
)
def test_bad_numbers_are_refused(arguments, text):
    with pytest.raises(InputError, match=text):
        draw(**arguments)


def test_a_negative_count_is_refused():
    with pytest.raises(InputError, match="count: expected 0 or more, got -1"):
        draw_many(-1)


@pytest.mark.parametrize("name", CLASSES)
def test_the_extent_of_an_object_holds_each_part_with_its_width(name):
    parts = drawing._SHAPES[name](np.random.default_rng(3))
    low, high = _extent(parts)
    for axis in range(2):
        assert low[axis] == min(point[axis] - part.width / 2 for part in parts for point in part.points)
        assert high[axis] == max(point[axis] + part.width / 2 for part in parts for point in part.points)
