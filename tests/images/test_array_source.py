"""Arrays in .npz and .npy files; never a pickle."""

import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.images import open_images


def example(count=20, classes=4, shape=(16, 16, 3)):
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)
    return images, np.arange(count) % classes


def stored(path, **arrays):
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def opened(path, **options):
    return open_images("arrays", folder=path, **{"image_size": 16, **options})


def whole(splits):
    """Images in the order they were stored."""
    train, test = splits
    order = np.argsort([int(name) for name in train.names + test.names])
    return torch.cat([train.batch(range(len(train))), test.batch(range(len(test)))])[order]


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (1, 16, 16), (16, 16, 3), (3, 16, 16)])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
def test_layouts_and_types_give_the_same_pixels(tmp_path, shape, kind):
    images, labels = example(shape=shape)
    values = images if kind == "uint8" else (images / 255).astype(kind)
    pixels = whole(opened(stored(tmp_path, images=values, labels=labels))).numpy()
    expected = images.reshape(20, 16, 16) if 3 not in shape else images
    if expected.ndim == 3:
        expected = np.repeat(expected[:, None], 3, axis=1)
    elif shape[-1] == 3:
        expected = expected.transpose(0, 3, 1, 2)
    assert np.array_equal(pixels, expected)


def test_a_folder_of_arrays_with_masks_and_names(tmp_path):
    images, labels = example()
    masks = np.random.default_rng(1).random((20, 16, 16)) > 0.5
    for name, values in (("images", images), ("labels", labels), ("masks", masks), ("class_names", list("abcd"))):
        np.save(tmp_path / f"{name}.npy", values)
    train, test = opened(tmp_path)
    assert train.classes == ("a", "b", "c", "d")
    assert torch.bincount(test.labels).tolist() == [1] * 4
    assert np.array_equal(test.mask(2).numpy(), masks[int(test.names[2])])


def test_halves_are_used_as_stored(tmp_path):
    images, labels = example()
    path = stored(tmp_path, x_train=images, y_train=labels[:, None], x_test=images[:4], y_test=labels[:4])
    train, test = opened(path, image_size=32, channels=1)
    assert (len(train), len(test)) == (20, 4)
    assert test[3][0].shape == (1, 32, 32)
    assert train.labels.tolist() == labels.tolist()


def test_masks_are_resized_with_their_pictures(tmp_path):
    images, labels = example(shape=(20, 40))
    masks = np.zeros((20, 20, 40), dtype=np.uint8)
    masks[:, :, 10:30] = 7
    train, _ = opened(stored(tmp_path, images=images, labels=labels, masks=masks))
    assert train.mask(0).shape == (16, 16)
    assert train.mask(0)[:, 1:-1].all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"images": np.zeros((20, 16, 16), dtype=np.int64)}, "images: expected uint8 or floats .* got int64"),
        ({"images": np.full((20, 16, 16), np.nan)}, r"images: expected floats in \[0, 1\], got NaN or inf"),
        ({"images": np.full((20, 16, 16), np.inf)}, r"images: expected floats in \[0, 1\], got NaN or inf"),
        ({"images": np.full((20, 16, 16), 2.5)}, "images: expected .*, got values from 2.5 to 2.5"),
        ({"images": np.zeros((20, 16, 16, 4), dtype=np.uint8)}, r"got \(20, 16, 16, 4\); set images.channels = 4"),
        ({"images": np.zeros((20, 16), dtype=np.uint8)}, r"images: expected shape .*, got \(20, 16\)"),
        ({"images": np.zeros((0, 16, 16), dtype=np.uint8)}, r"images: expected shape .*, got \(0, 16, 16\)"),
        ({"labels": np.arange(19) % 4}, r"integers of shape \(20,\)"),
        ({"labels": np.arange(20) % 4 / 2}, "labels: expected integers .*, got float64"),
        ({"labels": np.full(20, np.nan)}, "labels: expected integers .*, got float64"),
        ({"labels": np.arange(20) % 4 - 1}, "labels: expected labels from 0, got -1"),
        ({"labels": np.arange(20) + 1_700_000_000}, "class '1700000000': expected 2 or more images, got 1"),
        ({"labels": np.array([0] * 19 + [1])}, "class '1': expected 2 or more images, got 1"),
        ({"class_names": np.array(["a", "b", "c"])}, "labels: expected labels of 3 named classes, got 3"),
        ({"masks": np.zeros((20, 8, 8), dtype=bool)}, r"masks: expected shape .* as the images, got \(20, 8, 8\)"),
        ({"labels": np.array([None] * 20)}, "without pickles"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, change, text):
    images, labels = example()
    path = stored(tmp_path, **{"images": images, "labels": labels, **change})
    with pytest.raises(InputError, match=text) as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        opened(tmp_path / "none.npz")
    with pytest.raises(InputError, match="no array of a known name"):
        opened(tmp_path)
    with pytest.raises(InputError, match=r"expected images and labels, or .*, got images$"):
        opened(stored(tmp_path, images=example()[0]))
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(InputError, match="expected arrays without pickles"):
        opened(tmp_path / "text.npz")
    np.save(tmp_path / "single.npy", example()[0])
    with pytest.raises(InputError, match="expected arrays without pickles"):
        opened(tmp_path / "single.npy")
    whole_file = stored(tmp_path, images=example()[0], labels=example()[1])
    whole_file.write_bytes(whole_file.read_bytes()[:400])
    with pytest.raises(InputError, match="expected arrays without pickles"):
        opened(whole_file)
