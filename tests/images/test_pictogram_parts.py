"""Maps of the parts of pictograms: they cover the object, have its names, and leave the pictures as they were."""

import numpy as np
import pytest

from patternscope.errors import InputError
from patternscope.images.pictograms import CLASSES, draw, draw_parts

PARTS = {
    "cat": {"tail", "body", "paws", "ears", "face", "eyes", "muzzle", "whiskers"},
    "car": {"cabin", "body", "windows", "lamp", "wheels"},
    "ipod": {"case", "screen", "click wheel"},
}


@pytest.mark.parametrize("index", range(20))
def test_the_parts_cover_the_object(index):
    parts, mask = draw_parts(index, size=48, seed=2), draw(index, size=48, seed=2).mask
    assert parts.place.dtype == np.uint8
    assert parts.place.max() <= len(parts.names)
    assert all(parts.names)
    covered = parts.place > 0
    # A pixel at the edge is the object's where half of it is covered, and a part's where its middle is.
    assert (covered & mask).sum() > 0.93 * mask.sum()
    assert (covered | mask).sum() < 1.1 * mask.sum()


def test_parts_are_those_of_the_class_and_lie_where_they_belong():
    for name, expected in PARTS.items():
        index = CLASSES.index(name)
        parts = draw_parts(index, size=64, seed=1)
        assert set(parts.names) == expected
    parts = draw_parts(CLASSES.index("bus"), size=96, seed=0)
    picture, wheels = draw(CLASSES.index("bus"), size=96, seed=0), parts.place == 1 + parts.names.index("wheels")
    assert 0.02 < wheels.sum() / picture.mask.sum() < 0.4
    assert draw_parts(3, size=32).place.tolist() == draw_parts(3, size=32).place.tolist()


def test_a_wrong_number_is_an_error():
    with pytest.raises(InputError, match="size"):
        draw_parts(0, size=8)
