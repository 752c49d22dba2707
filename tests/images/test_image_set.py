"""The one type for images of any source."""

from multiprocessing.reduction import ForkingPickler

import pytest
import torch
from torch.utils.data import DataLoader

from patternscope.errors import InputError
from patternscope.images import ImageSet, open_images


class Reader:
    """Gives images and counts how often it is asked."""

    def __init__(self, count: int) -> None:
        self.images = torch.arange(count * 3 * 4 * 4).reshape(count, 3, 4, 4).to(torch.uint8)
        self.calls = 0

    def __call__(self, index: int) -> torch.Tensor:
        self.calls += 1
        return self.images[index]


def image_set(count: int = 6, **options) -> tuple[ImageSet, Reader]:
    reader = Reader(count)
    return ImageSet(("a", "b"), torch.arange(count) % 2, reader, **options), reader


def test_items_are_the_callers_to_change():
    images, reader = image_set(cache_bytes=10**6)
    first, label = images[1]
    first.zero_()
    assert label == 1
    assert torch.equal(images[1][0], reader.images[1])
    assert reader.images[1].any()


def test_images_are_read_once_as_long_as_there_is_room():
    images, reader = image_set(cache_bytes=2 * 48)
    for _ in range(3):
        images.batch(range(4))
    assert reader.calls == 2 + 3 * 2


def test_a_set_ends_and_counts_from_both_ends():
    images, reader = image_set()
    assert len(list(images)) == 6
    assert torch.equal(images[-1][0], reader.images[5])
    for index in (6, -7):
        with pytest.raises(InputError, match="index: expected one of 6 images"):
            images[index]


def test_batch_and_loader_agree():
    images, reader = image_set()
    told = []
    batch = images.batch(torch.tensor([4, 0]), lambda done, total: told.append((done, total)))
    assert torch.equal(batch, reader.images[[4, 0]])
    assert told == [(1, 2), (2, 2)]
    loaded = torch.cat([pictures for pictures, _ in DataLoader(images, batch_size=4)])
    assert torch.equal(loaded, reader.images)
    with pytest.raises(InputError, match="indices: expected at least one, got none"):
        images.batch([])


def test_a_subset_keeps_names_labels_and_masks():
    masks = torch.rand(6, 4, 4) > 0.5
    images, reader = image_set(read_mask=masks.__getitem__, names=list("uvwxyz"), skipped=["bad: why"])
    part = images.subset([5, 2]).subset([1, 0])
    assert part.names == ("w", "z")
    assert part.labels.tolist() == [0, 1]
    assert torch.equal(part[1][0], reader.images[5])
    assert torch.equal(part.mask(0), masks[2])
    assert part.skipped == ("bad: why",)
    assert part.has_masks
    assert images.subset([0]).classes == ("a", "b")


def test_without_masks_there_is_none():
    images, _ = image_set()
    assert images.mask(0) is None
    assert not images.has_masks
    assert images.subset([1]).mask(0) is None


def test_labels_are_kept_apart_from_the_callers():
    labels = torch.tensor([0, 1])
    images = ImageSet(("a", "b"), labels, Reader(2))
    labels[0] = 1
    assert images.labels.tolist() == [0, 1]


def test_sets_can_be_sent_to_loader_processes():
    train, _ = open_images("pictograms", image_size=16, train_per_class=2, test_per_class=2)
    assert len(ForkingPickler.dumps(train.subset([0, 1]))) > 0


@pytest.mark.parametrize(
    ("labels", "names", "text"),
    [
        (torch.tensor([0, 2]), None, "labels: expected classes 0 to 1, got 2"),
        (torch.tensor([0, -1]), None, "labels: expected classes 0 to 1, got -1"),
        (torch.tensor([0.0, 1.0]), None, "got float32 of shape"),
        (torch.tensor([[0, 1]]), None, r"got int64 of shape \(1, 2\)"),
        (torch.tensor([0, 1]), ["one"], "names: expected 2, one per label, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(labels, names, text):
    with pytest.raises(InputError, match=text):
        ImageSet(("a", "b"), labels, Reader(2), names=names)
