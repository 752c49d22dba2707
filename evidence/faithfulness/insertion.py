"""The insertion test: the probability of each image's class as its regions come back."""

from collections.abc import Callable

from torch import Tensor

from patternscope.knowledge.faithfulness import deletion_curve, mean_colour


def insertion_curve(
    probabilities: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    grid: tuple[int, int],
    *,
    replacement: Tensor | None = None,
    steps: int = 16,
) -> Tensor:
    """Return the probability of each image's class as its regions come back one after another.

    Arguments, shape, errors and cost are those of :func:`deletion_curve`: a region is inserted by putting the image in
    the place of the replacement, so that both curves take the same steps. Source: Petsiuk et al., BMVC 2018.

    >>> import torch
    >>> def brightness(images):
    ...     share = images.mean(dim=(1, 2, 3))
    ...     return torch.stack([share, 1 - share], dim=1)
    >>> image, order = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[0, 1]])
    >>> insertion_curve(brightness, image, torch.tensor([0]), order, (1, 2), replacement=torch.zeros(1)).tolist()
    [[0.0, 0.5, 0.5]]
    """
    blank = (mean_colour(images) if replacement is None else replacement).expand_as(images)
    return deletion_curve(probabilities, blank, labels, order, grid, replacement=images, steps=steps)
