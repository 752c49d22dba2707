"""Numbers that say who an image is."""

import pytest
import torch

from patternscope.errors import InputError
from patternscope.images import identities


def test_bytes_and_shares_of_one_are_the_same_images():
    pixels = torch.randint(256, (20, 3, 5, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    numbers = identities(pixels)
    assert torch.equal(numbers, identities(pixels.float() / 255))
    assert len(numbers.unique()) == 20
    order = torch.randperm(20)
    assert torch.equal(identities(pixels[order]), numbers[order])


def test_a_vector_is_no_image():
    with pytest.raises(InputError, match="images"):
        identities(torch.rand(4, 4))
