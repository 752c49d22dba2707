"""The one door to all sources, the pictograms behind it, and fingerprints."""

import os

import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.images import fingerprint, open_images
from patternscope.images.pictograms import CLASSES, draw


def test_pictograms_are_those_drawn():
    train, test = open_images("pictograms", image_size=24, seed=3, train_per_class=2, test_per_class=3)
    assert train.classes == CLASSES
    assert (len(train), len(test)) == (20, 30)
    expected = draw(13, size=24, seed=3)
    image, label = train[13]
    assert np.array_equal(image.permute(1, 2, 0).numpy(), expected.image)
    assert np.array_equal(train.mask(13).numpy(), expected.mask)
    assert label == expected.label == 3
    assert not set(train.names) & set(test.names)
    assert not torch.equal(train[0][0], test[0][0])


def test_held_out_pictograms_do_not_depend_on_the_number_trained_on():
    few = open_images("pictograms", image_size=16, train_per_class=2, test_per_class=2).test
    more = open_images("pictograms", image_size=16, train_per_class=5, test_per_class=2).test
    assert few.names == more.names
    assert torch.equal(few.batch([0, 7]), more.batch([0, 7]))


def test_grey_pictograms():
    colour = open_images("pictograms", image_size=16, train_per_class=2).train[4][0].float()
    grey = open_images("pictograms", image_size=16, train_per_class=2, channels=1).train[4][0]
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    assert grey.shape == (1, 16, 16)
    assert ((colour * weights).sum(0) - grey[0].float()).abs().max() <= 0.5 + 1e-3


def test_defaults_are_500_and_100_a_class():
    train, test = open_images("pictograms")
    assert torch.bincount(train.labels).tolist() == [500] * 10
    assert torch.bincount(test.labels).tolist() == [100] * 10


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"source": "pictogram"}, "did you mean 'pictograms'"),
        ({"source": "pictograms", "image_size": 8}, "image_size: expected 16 or more, got 8"),
        ({"source": "pictograms", "channels": 2}, "channels: expected 1 or 3 for pictograms, got 2"),
        ({"source": "pictograms", "channels": 5}, "channels: expected 1, 2, 3 or 4, got 5"),
        ({"source": "pictograms", "resize": "padd"}, "resize: expected crop, pad or stretch, got 'padd'; did you mean"),
        ({"source": "pictograms", "white": 0}, "white: expected a positive number, got 0"),
        ({"source": "pictograms", "seed": -1}, "seed: expected 0 or more, got -1"),
        ({"source": "pictograms", "folder": "somewhere"}, "source 'pictograms': expected no folder, got 'somewhere'"),
        ({"source": "pictograms", "class_names": ["a", "b"]}, "class_names: pictograms always have the classes"),
        ({"source": "pictograms", "train_per_class": 1}, "pictograms per class: expected 2 to 100000000, got 1"),
        ({"source": "idx", "class_names": ["a", "a"]}, "different names"),
    ],
)
def test_bad_settings_are_refused(arguments, text):
    with pytest.raises(InputError, match=text):
        open_images(**arguments)


def test_fingerprints_of_drawn_images_follow_their_parameters():
    assert fingerprint("pictograms", seed=0) == fingerprint("pictograms", seed=0)
    assert fingerprint("pictograms", seed=0) != fingerprint("pictograms", seed=1)
    assert fingerprint("pictograms", image_size=64) != fingerprint("pictograms", image_size=32)


def test_fingerprints_of_files_follow_their_content(tmp_path):
    path = tmp_path / "cat" / "0.png"
    path.parent.mkdir()
    path.write_bytes(b"one")
    first = fingerprint("folder", tmp_path)
    (tmp_path / ".hidden").touch()
    assert fingerprint("folder", tmp_path) == first
    path.write_bytes(b"other")
    second = fingerprint("folder", tmp_path)
    os.utime(path, ns=(1, 1))
    third = fingerprint("folder", tmp_path)
    path.rename(tmp_path / "cat" / "1.png")
    assert len({first, second, third, fingerprint("folder", tmp_path)}) == 4
    assert fingerprint("arrays", tmp_path / "cat" / "1.png") != fingerprint("arrays", tmp_path)


def test_fingerprints_need_a_source_and_a_place(tmp_path):
    with pytest.raises(InputError, match="did you mean 'folder'"):
        fingerprint("foldr", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        fingerprint("folder", tmp_path / "nowhere")
    with pytest.raises(InputError, match="does not exist"):
        fingerprint("idx")
