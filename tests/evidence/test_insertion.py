"""The insertion test: what deletion takes away, insertion brings back."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.faithfulness.insertion import insertion_curve
from patternscope.knowledge import curve_area, deletion_curve, removal_shares

CASES = settings(max_examples=15)
GRID = (2, 3)


def drawn(seed: int, n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of 4 x 6 pixels and how much a linear network makes of each region of them."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 1, 4, 6, generator=generator, dtype=torch.float64)
    return images, torch.rand(6, generator=generator, dtype=torch.float64)


def linear_network(weights: torch.Tensor):
    """A network whose p(class 0) is a weighted sum of the regions' brightness, in [0, 1]."""

    def probabilities(images: torch.Tensor) -> torch.Tensor:
        by_region = torch.nn.functional.avg_pool2d(images, 2).flatten(1)
        first = by_region @ weights / weights.sum()
        return torch.stack([first, 1 - first], dim=1)

    return probabilities


@CASES
@given(st.integers(1, 40), st.integers(1, 50))
def test_the_area_of_a_linear_response_is_a_half_however_the_steps_divide_it(regions, steps):
    image, labels = torch.ones(1, 1, 1, regions, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
    order, black = torch.arange(regions)[None], torch.zeros(1, dtype=torch.float64)

    def brightness(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(1, 2, 3))[:, None]

    shares = removal_shares(regions, steps)
    curve = insertion_curve(brightness, image, labels, order, (1, regions), replacement=black, steps=steps)
    torch.testing.assert_close(curve[0], shares)
    torch.testing.assert_close(curve_area(curve, shares), torch.full((1,), 0.5, dtype=torch.float64))


@CASES
@given(st.integers(0, 999))
def test_insertion_of_a_linear_network_is_what_deletion_took(seed):
    images, weights = drawn(seed)
    network, labels = linear_network(weights), torch.zeros(3, dtype=torch.long)
    order = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
    black = torch.zeros(1, dtype=torch.float64)
    given_back = insertion_curve(network, images, labels, order, GRID, replacement=black)
    taken = deletion_curve(network, images, labels, order, GRID, replacement=black)
    torch.testing.assert_close(given_back + taken, taken[:, :1].expand_as(taken))


def test_without_a_replacement_insertion_begins_at_the_mean_colour():
    images, weights = drawn(1)
    network, labels = linear_network(weights), torch.zeros(3, dtype=torch.long)
    order = torch.arange(6).expand(3, 6)
    curve = insertion_curve(network, images, labels, order, GRID)
    plain = images.mean(dim=(2, 3), keepdim=True).expand_as(images)
    torch.testing.assert_close(curve[:, 0], network(plain)[:, 0])
    torch.testing.assert_close(curve[:, -1], network(images)[:, 0])
