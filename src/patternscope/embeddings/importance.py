"""Which regions and channels make samples alike: the importance weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from patternscope.embeddings.checks import (
    as_tensor,
    check_finite,
    check_shape,
    check_target_probs,
    read_data,
    working_dtype,
)
from patternscope.embeddings.settings import ImportanceParams
from patternscope.embeddings.simplex import solve_simplex, solve_two_simplices
from patternscope.embeddings.solver import Stopwatch, Trace
from patternscope.errors import InputError
from patternscope.similarity import choose_neighbours, combine_regions, unit_regions
from patternscope.similarity.matching import best_matches
from patternscope.similarity.neighbours import Neighbours
from patternscope.similarity.probabilities import target_log_similarities
from patternscope.similarity.regional import channel_scores

# Numbers held for the anchors solved together: 64 MB in float32.
_NUMBERS_AT_ONCE = 1 << 24
# With v learnt the best match changes; a second look is worth its price, a third is not (docs/decisions.md).
_ROUNDS = 2


class ImportanceWeight(nn.Module):
    """Region weights w (n, r) and channel weights v (n, k), rows on the simplex.

    For each anchor i they minimise ``KL(p_i || q_i)`` over its neighbours, where p_i is the similarity of the
    network's probabilities and q_i that of the weighted, matched regional features.

    Source: Sec. 3.3. Each anchor is its own problem, so neither the order of samples nor the size of
    a batch matters. By default w is learnt with uniform v and v after it (this project: with both free, v
    explains the similarities through channels that are everywhere and w loses the object); "joint" is the
    paper's. kappa_v "auto" is 2k, so that scores at uniform v are twice a cosine for any k.

    Attributes after `estimate`:
        region_weights: w (n, r).   channel_weights: v (n, k).   trace: mean losses and time.

    Args:
        n, k, h, w: shape of the regional features, as in ``ImportanceWeight(*regional_features.shape)``.
        kappa_max: kappa_v > 0, or "auto" for 2k.
        kappa_prob: kappa_p > 0 of the target similarity.

    >>> features = torch.rand(6, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    >>> probs = torch.softmax(features.mean((2, 3)) * 9, dim=1)
    >>> weight = ImportanceWeight(*features.shape)
    >>> _ = weight.estimate({"target_probs": probs, "regional_features": features})
    >>> weight.region_weights.shape, weight.channel_weights.shape
    (torch.Size([6, 4]), torch.Size([6, 4]))
    """

    region_weights: Tensor
    channel_weights: Tensor
    trace: Trace

    def __init__(
        self,
        n: int,
        k: int,
        h: int,
        w: int,
        *,
        kappa_max: float | Literal["auto"] = "auto",
        kappa_prob: float = 5.0,
    ) -> None:
        super().__init__()
        for name, seen in (("n", n), ("k", k), ("h", h), ("w", w)):
            if seen < 1:
                raise InputError(f"{name}: got {seen}, wants at least 1")
        if kappa_max != "auto" and not 0 < kappa_max < float("inf"):
            raise InputError(f'kappa_max: got {kappa_max}, wants a positive finite number or "auto"')
        if not 0 < kappa_prob < float("inf"):
            raise InputError(f"kappa_prob: got {kappa_prob}, wants a positive finite number")
        self.shape = (n, k, h, w)
        self.kappa_max = 2.0 * k if kappa_max == "auto" else float(kappa_max)
        self.kappa_prob = float(kappa_prob)
        self.register_buffer("region_weights", torch.full((n, h * w), 1.0 / (h * w)))
        self.register_buffer("channel_weights", torch.full((n, k), 1.0 / k))

    def estimate(
        self,
        data: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        verbose_dir: str | Path | None = None,
    ) -> "ImportanceWeight":
        """Solve every anchor's problem.

        Source: Sec. 3.3.

        Args:
            data: "target_probs" (n, c), "regional_features" (n, k, h, w) and, for the heat maps alone,
                "images" (n, 1 or 3, height, width).
            params: any of :class:`ImportanceParams`.
            verbose_dir: folder for loss curve (csv, png) and heat maps, or None to write nothing.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are no probabilities, unknown parameters.

        Cost: 3 matches of ``2 r^2 k`` operations a pair and two passes over the matched features; some
        64 MB beside input, candidates and result.
        """
        settings = ImportanceParams.read(params)
        features, probs = self._read(data)
        watch = Stopwatch()
        problem = _problem(features, probs, self, settings)
        solve = _separately if settings.solver == "separate" else _jointly
        parts = [solve(problem, settings, anchors) for anchors in _blocks(problem)]
        self.region_weights = torch.cat([part.region_weights for part in parts])
        self.channel_weights = torch.cat([part.channel_weights for part in parts])
        losses = torch.cat([part.losses for part in parts]).double().mean(dim=0).tolist()
        steps = settings.n_step * (1 + _ROUNDS if settings.solver == "separate" else 1)
        self.trace = watch.close(
            Trace(losses=losses, steps=steps, parts={"kl": losses[-1]}), "importance weights"
        )
        if verbose_dir is not None:
            from patternscope.embeddings.verbose import write_heat_maps, write_losses

            write_losses(self.trace, verbose_dir, "importance_weight")
            if data.get("images") is not None:
                images = as_tensor(data["images"], "images")
                write_heat_maps(images, self.region_weights.view(-1, *self.shape[2:]), verbose_dir)
        return self

    def _read(self, data: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        read_data(data, required=("target_probs", "regional_features"), optional=("images",))
        features = as_tensor(data["regional_features"], "regional_features").detach()
        probs = as_tensor(data["target_probs"], "target_probs").detach()
        check_target_probs(probs)
        check_shape(features, "regional_features", self.shape, "(n, k, h, w)")
        check_shape(probs, "target_probs", (self.shape[0], None), "(n, c)")
        check_finite(features, "regional_features")
        if data.get("images") is not None:
            images = as_tensor(data["images"], "images")
            check_shape(images, "images", (self.shape[0], None, None, None), "(n, channels, height, width)")
        return features, probs.to(features.device, working_dtype(features))


@dataclass(frozen=True)
class _Problem:
    """All that an anchor's problem is made of."""

    features: Tensor  # as given (n, k, h, w)
    candidates: Tensor  # unit features of the possible neighbours (m + 1, r, k)
    neighbours: Neighbours
    log_target: Tensor  # log p (n, m)
    kappa: float

    def anchors(self, block: Tensor) -> Tensor:
        """Unit features of some anchors (b, r, k)."""
        return unit_rows(self.features, block)


@dataclass(frozen=True)
class _Solved:
    """The weights of some anchors, and their losses as the solve went on (b, stages)."""

    region_weights: Tensor
    channel_weights: Tensor
    losses: Tensor


def unit_rows(features: Tensor, samples: Tensor) -> Tensor:
    """Return unit regional features of some samples in the working type: (n, k, h, w), (b,) -> (b, r, k).

    Source: Sec. 3.3. Only the samples asked for are copied.

    >>> unit_rows(torch.full((2, 4, 1, 1), 3.0), torch.tensor([1])).tolist()
    [[[0.5, 0.5, 0.5, 0.5]]]
    """
    rows = features[samples].to(working_dtype(features)).flatten(2).transpose(1, 2)
    return unit_regions(rows.contiguous())


def find_neighbours(features: Tensor, target_probs: Tensor, count: int, seed: int) -> Neighbours:
    """Choose each sample's neighbours; samples of equal probabilities are told apart by their mean feature.

    Source: this project. (n, k, h, w), (n, c).

    >>> find_neighbours(torch.rand(3, 2, 1, 1), torch.full((3, 2), 0.5), count=100, seed=0).count
    2
    """
    mean_feature = torch.cat([block.double().flatten(1).mean(dim=1) for block in features.split(256)])
    return choose_neighbours(target_probs, mean_feature, count, seed)


def _problem(
    features: Tensor, probs: Tensor, weight: ImportanceWeight, settings: ImportanceParams
) -> _Problem:
    neighbours = find_neighbours(features, probs, settings.kl_sample_num, settings.seed)
    everyone = torch.arange(len(probs), device=probs.device)
    log_target = target_log_similarities(probs, everyone, neighbours.samples, weight.kappa_prob)
    return _Problem(
        features, unit_rows(features, neighbours.candidates), neighbours, log_target, weight.kappa_max
    )


def _blocks(problem: _Problem) -> Iterator[Tensor]:
    """Anchors in groups whose scores and channel scores fit the memory."""
    n, k = problem.features.shape[:2]
    r = problem.candidates.shape[1]
    numbers = problem.neighbours.count * (r + k) + 2 * r * k
    return iter(torch.arange(n, device=problem.features.device).split(max(1, _NUMBERS_AT_ONCE // numbers)))


def _separately(problem: _Problem, settings: ImportanceParams, block: Tensor) -> _Solved:
    """w with uniform v; then v, twice, each time with the best match under the v before."""
    anchors, log_target = problem.anchors(block), problem.log_target[block]
    positions = problem.neighbours.positions[block]
    k = anchors.shape[2]
    v = anchors.new_full((len(block), k), 1.0 / k)
    scores, matches = best_matches(anchors * v[:, None], problem.candidates, positions)
    scores *= problem.kappa
    uniform = scores.new_full(scores.shape[::2], 1.0 / scores.shape[2])
    losses = [_losses(scores, uniform, log_target)]
    w = solve_simplex(scores, log_target, settings.lr, settings.n_step)
    losses.append(_losses(scores, w, log_target))
    for _ in range(_ROUNDS):
        by_channel = problem.kappa * channel_scores(
            anchors * w[..., None], problem.candidates, positions, matches
        )
        v = solve_simplex(by_channel, log_target, settings.lr, settings.n_step, start=v)
        scores, matches = best_matches(anchors * v[:, None], problem.candidates, positions)
        losses.append(_losses(scores * problem.kappa, w, log_target))
    return _Solved(w, v, torch.stack(losses, dim=1))


def _jointly(problem: _Problem, settings: ImportanceParams, block: Tensor) -> _Solved:
    """The paper's fit: v and w together, one anchor at a time, the match refreshed every few steps."""
    solved = [_one_jointly(problem, settings, anchor) for anchor in block.split(1)]
    columns = zip(*solved, strict=True)
    return _Solved(*(torch.cat(column) for column in columns))


def _one_jointly(
    problem: _Problem, settings: ImportanceParams, anchor: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    unit, log_target = problem.anchors(anchor), problem.log_target[anchor]
    positions = problem.neighbours.positions[anchor]

    def products(v: Tensor) -> Tensor:
        """kappa f_i f_j of the matched regions under v (m, r, k)."""
        _, matches = best_matches(unit * v[:, None], problem.candidates, positions)
        rows = positions[0][:, None] * unit.shape[1] + matches[0].long()
        return problem.kappa * problem.candidates.flatten(0, 1)[rows] * unit

    w, v, losses = solve_two_simplices(
        products, log_target[0], unit.shape[1:], settings.lr, settings.n_step, settings.match_every
    )
    return w[None], v[None], losses[None]


def _losses(scores: Tensor, region_weights: Tensor, log_target: Tensor) -> Tensor:
    """KL(p || q) of each anchor (b,)."""
    return (log_target.exp() * (log_target - combine_regions(scores, region_weights))).sum(dim=1)
