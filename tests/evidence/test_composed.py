"""Composed classes: each way shows the same pixels, and no two ways alike."""

import torch

from evidence.dimensions.composed import CLASSES, WAYS, ComposedStudy, composed
from evidence.dimensions.measurement import dimensions_of


def test_ways_differ_and_keep_the_pixels():
    image = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).expand(len(WAYS), 1, 4, 4)
    shown, classes = composed(image, torch.zeros(len(WAYS), dtype=torch.long), len(WAYS))
    assert classes.tolist() == list(range(len(WAYS)))
    assert len({each.numpy().tobytes() for each in shown}) == len(WAYS)
    for each, (_, _, inverted) in zip(shown, WAYS, strict=True):
        pixels = 255 - each if inverted else each
        assert sorted(pixels.flatten().tolist()) == list(range(16))


def test_each_class_is_a_garment_in_a_way():
    labels = torch.arange(2).repeat(30)
    shown, classes = composed(torch.zeros(60, 1, 2, 2, dtype=torch.uint8), labels, 3)
    assert classes.bincount().tolist() == [10] * 6
    assert torch.equal(classes % 2, labels)
    assert torch.equal((shown == 255).all(dim=(1, 2, 3)), torch.zeros(60, dtype=torch.bool))


def test_as_many_ways_as_the_classes_need_and_c_minus_1_is_tried():
    assert max(CLASSES) == 10 * len(WAYS)
    for classes in CLASSES:
        assert classes - 1 in dimensions_of(classes) or classes == 2
        assert ComposedStudy("composed", "vgg16_slim", 0, classes).samples * classes >= 500 - classes
