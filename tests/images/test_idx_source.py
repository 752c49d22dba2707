"""IDX files, plain and compressed, whole and broken."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.images import open_images

FASHION = Path("/usr/share/datasets/fashion-mnist")


def idx_bytes(values: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


def write(folder, *, joint="-", packed=False, labels=(0, 1, 2)):
    rng = np.random.default_rng(0)
    for prefix, repeat in (("train", 4), ("t10k", 2)):
        digits = np.repeat(np.array(labels, dtype=np.uint8), repeat)
        pictures = rng.integers(0, 256, (len(digits), 28, 28), dtype=np.uint8)
        for kind, values in ((f"images{joint}idx3", pictures), (f"labels{joint}idx1", digits)):
            data = idx_bytes(values)
            end = ".gz" if packed else ""
            (folder / f"{prefix}-{kind}-ubyte{end}").write_bytes(gzip.compress(data) if packed else data)
    return folder


def opened(folder, **options):
    return open_images("idx", folder=folder, **{"image_size": 28, "channels": 1, **options})


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("joint", ["-", "."])
def test_the_usual_names(tmp_path, joint, packed):
    train, test = opened(write(tmp_path, joint=joint, packed=packed))
    assert (len(train), len(test)) == (12, 6)
    assert train.classes == ("0", "1", "2")
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    expected = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    assert np.array_equal(train.batch(range(12))[:, 0].numpy(), expected)


def test_size_channels_and_class_names(tmp_path):
    train, test = opened(write(tmp_path), image_size=64, channels=3, class_names=["a", "b", "c"])
    image, label = test[5]
    assert image.shape == (3, 64, 64)
    assert torch.equal(image[0], image[2])
    assert (label, test.classes[label]) == (2, "c")
    assert train.names[3] == "train 3"


def test_labels_outside_the_classes(tmp_path):
    with pytest.raises(InputError, match="labels: expected labels of 2 named classes, got 2"):
        opened(write(tmp_path), class_names=["a", "b"])


def test_distinct_labels_are_the_classes(tmp_path):
    assert opened(write(tmp_path, labels=(0, 2))).train.classes == ("0", "2")
    with pytest.raises(InputError, match="class 'b': expected 2 or more images, got 0"):
        opened(tmp_path, class_names=["a", "b", "c"])


def test_missing_files(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        opened(tmp_path / "nowhere")
    with pytest.raises(InputError, match="got no train-images-idx3-ubyte"):
        opened(tmp_path)
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="got no t10k-labels-idx1-ubyte"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"x", "expected 9408 bytes after its header, got 9409"),
        (lambda data: data[:10], "expected the first bytes '00000803', got '00000803'"),
        (lambda data: b"\0\0\x0d\3" + data[4:], "expected the first bytes '00000803', got '00000d03'"),
        (lambda data: b"", "expected the first bytes '00000803', got ''"),
    ],
)
def test_broken_files(tmp_path, change, text):
    path = write(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=text):
        opened(tmp_path)


@pytest.mark.parametrize("change", [lambda data: data[:-20], lambda data: b"plain" + data])
def test_broken_compressed_files(tmp_path, change):
    path = write(tmp_path, packed=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match="got an unreadable one"):
        opened(tmp_path)


def test_one_label_for_each_image(tmp_path):
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(11, dtype=np.uint8)))
    with pytest.raises(InputError, match="12 train images and 11 labels"):
        opened(tmp_path)


@pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST is not installed (Debian: dataset-fashion-mnist)")
def test_fashion_mnist():
    train, test = opened(FASHION, train_per_class=20, test_per_class=5)
    assert (len(train), len(test)) == (200, 50)
    assert torch.bincount(test.labels).tolist() == [5] * 10
    assert 50 < train.batch(range(200)).float().mean() < 95
