"""The effect of an attack on regional embeddings: how much they turn, and how they reach the other class."""

from enum import IntEnum

import torch
import torch.nn.functional as F
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.points import class_probability
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial.checks import check_same_shape
from patternscope.radial.defaults import REGION_KAPPA_MAX

# Thresholds of the reference code; strengths are in units of the layer's mean strength.
OWN_COSINE = 0.9  # least cosine of a feature of the original class with that class's direction ...
FEATURE_STRENGTH = 1.0  # ... and its least strength, below which there is no feature
NEAR_START = 1.5  # farther out, a trajectory does not show whether it avoids the origin
PAST_ORIGIN, THROUGH_ORIGIN = (1.2, 1.0)  # least strength on a trajectory around the origin, most on one through it
NOTHING = 0.5  # most strength of no feature before the attack
REACHED = 0.5  # least probability of the target after it


class Trajectory(IntEnum):
    """The four types of trajectory of a region under an attack, and none of them.

    >>> Trajectory(2).name
    'THROUGH_ORIGIN'
    """

    NONE = 0
    PAST_ORIGIN = 1
    THROUGH_ORIGIN = 2
    FROM_NOTHING = 3
    TO_NOTHING = 4


def orientation_change(before: Tensor, after: Tensor) -> Tensor:
    """Return how much each region turned: ``1 - cos(h, h_adv)``, NaN where either has no orientation.

    (n, r, e) twice -> (n, r), in [0, 2]. InputError when shapes differ. Source: Sec. 4.

    >>> orientation_change(torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]), torch.tensor([[[0.0, 2.0], [0.0, 1.0]]]))
    tensor([[1., nan]])
    """
    check_same_shape(before, after, "before, after", "(n, r, e)")
    cosine = F.cosine_similarity(before, after, dim=-1, eps=torch.finfo(before.dtype).tiny)
    nowhere = (before == 0).all(dim=-1) | (after == 0).all(dim=-1)
    return (1 - cosine.clamp(-1, 1)).masked_fill(nowhere, torch.nan)


def strength_change(before: Tensor, after: Tensor) -> Tensor:
    """Return each image's relative change of strength: ``sum_r |l_adv - l| / sum_r l``.

    A ratio of sums, since single strengths can be near zero. NaN for an image without any strength.
    (n, r, e) twice -> (n,), >= 0. InputError when shapes differ.

    >>> strength_change(torch.tensor([[[3.0, 4.0], [0.0, 5.0]]]), torch.tensor([[[0.0, 6.0], [4.0, 0.0]]]))
    tensor([0.2000])
    """
    check_same_shape(before, after, "before, after", "(n, r, e)")
    old, new = (torch.linalg.vector_norm(embedding, dim=-1) for embedding in (before, after))
    return (new - old).abs().sum(dim=1) / old.sum(dim=1).masked_fill((old == 0).all(dim=1), torch.nan)


def trajectory_types(
    path: Tensor,
    labels: Tensor,
    targets: Tensor,
    mean_directions: Tensor,
    *,
    unit_strength: float,
    kappa_max: float = REGION_KAPPA_MAX,
    temperature: Tensor | Temperatures | None = None,
) -> Tensor:
    """Return the type of each region's trajectory during an attack: (n, r) uint8 of :class:`Trajectory`.

    With strengths l in units of `unit_strength`, at the first and last step and at the weakest:

    1. PAST_ORIGIN: cos(h, mu_label) > 0.9 and 1 < l < 1.5 first, p(target) > 0.5 last, l > 1.2 throughout;
    2. THROUGH_ORIGIN: the same, but l < 1 somewhere;
    3. FROM_NOTHING: l < 0.5 first, p(target) > 0.5 last;
    4. TO_NOTHING: cos(h, mu_label) > 0.9 and l > 1 first, l < 1 last.

    A region that fits two types (2 and 4, with few classes) has the first. p is :func:`class_probability`. The
    thresholds are those of the reference code.

    Args:
        path: regional embeddings at the kept steps of the attack (t, n, r, e), clean first.
        labels: original classes (n,).
        targets: classes the attack leads to (n,).
        mean_directions: mu of the sample embedding (c, e).
        unit_strength: the layer's mean strength on clean images, > 0.
        kappa_max: largest concentration of regional embeddings.
        temperature: as in `find_knowledge_points`, for a calibrated p, with unscaled strengths; None for the paper's p.

    Raises:
        InputError: a path that is not (t, n, r, e), a target that is the label.

    Cost: 2 n r c e operations, and a pass over the path.

    >>> path = torch.tensor([[1.3, 0.0], [0.3, 0.3], [0.0, 9.0]])[:, None, None]
    >>> trajectory_types(path, torch.tensor([0]), torch.tensor([1]), torch.eye(2), unit_strength=1.0)
    tensor([[2]], dtype=torch.uint8)
    """
    if path.ndim != 4 or len(path) == 0:
        raise InputError(f"path: expected shape (t, n, r, e) with t >= 1, got {tuple(path.shape)}")
    own = torch.nonzero(labels == targets).flatten()
    if len(own):
        raise InputError(f"targets: expected classes other than the labels, got image {int(own[0])}'s label")
    first, last = path[0], path[-1]
    strength = torch.linalg.vector_norm(path, dim=-1) / unit_strength
    own_direction = mean_directions[labels].to(first.dtype)[:, None]
    cosine = F.cosine_similarity(first, own_direction, dim=-1, eps=torch.finfo(first.dtype).tiny)
    original = (cosine > OWN_COSINE) & (strength[0] > FEATURE_STRENGTH)
    unit, of_images = (unit_strength, 1.0) if temperature is None else (1.0, temperature)
    arrived = class_probability(last / unit, mean_directions, targets, kappa_max, of_images) > REACHED
    near, least = strength[0] < NEAR_START, strength.amin(dim=0)
    conditions = {
        Trajectory.PAST_ORIGIN: original & near & arrived & (least > PAST_ORIGIN),
        Trajectory.THROUGH_ORIGIN: original & near & arrived & (least < THROUGH_ORIGIN),
        Trajectory.FROM_NOTHING: (strength[0] < NOTHING) & arrived,
        Trajectory.TO_NOTHING: original & (strength[-1] < FEATURE_STRENGTH),
    }
    types = torch.zeros(first.shape[:2], dtype=torch.uint8, device=path.device)
    for kind, fits in conditions.items():
        types[fits & (types == Trajectory.NONE)] = int(kind)
    return types


def weight_on(region_weights: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return the importance weight on the chosen regions of each image, and their share of the regions.

    ``sum_r w^(r) chosen_r`` and ``mean_r chosen_r``; equal if the weights do not prefer them. Both are NaN for an image
    without a chosen region. w (n, r) with rows that sum to 1, chosen (n, r) bool -> (n,) twice, in [0, 1]. InputError
    when shapes differ.

    >>> weight_on(torch.tensor([[0.7, 0.1, 0.1, 0.1]]), torch.tensor([[True, False, False, False]]))
    (tensor([0.7000]), tensor([0.2500]))
    """
    check_same_shape(region_weights, chosen, "region_weights, chosen", "(n, r)")
    none = ~chosen.any(dim=1)
    weight = (region_weights * chosen).sum(dim=1)
    share = chosen.to(region_weights.dtype).mean(dim=1)
    return weight.masked_fill(none, torch.nan), share.masked_fill(none, torch.nan)
