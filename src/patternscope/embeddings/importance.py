"""The importance weights: the regions and channels that make samples similar."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.autograd_modes import isolate_autograd
from patternscope.embeddings.checks import as_tensor, check_keys, check_target_probs
from patternscope.embeddings.dtypes import match_type
from patternscope.embeddings.importance_solver import AnchorProblems, solve_jointly, solve_separately
from patternscope.embeddings.neighbourhood import given_neighbours, unit_rows
from patternscope.embeddings.settings import IMPORTANCE_DEFAULTS, Auto, ImportanceParams
from patternscope.embeddings.threads import map_blocks
from patternscope.embeddings.verbose import write_heat_maps, write_losses
from patternscope.radial.checks import check_at_least, check_finite, check_kappa, check_shape, working_dtype
from patternscope.radial.units import in_usual_unit
from patternscope.similarity.targets import target_log_similarity
from patternscope.solvers import Stopwatch, Trace


class ImportanceWeight(nn.Module):
    """Region weights w (n, r) and channel weights v (n, k), rows on the simplex.

    For each anchor i they minimise ``KL(p_i || q_i)`` over its neighbours, where p_i is the similarity by the
    network's probabilities and q_i that by the weighted, matched regional features. Each anchor is its own problem,
    so neither the order of samples nor the size of a batch matters. Source: Sec. 3.3.

    By default w is learnt with uniform v and v after it: with both free, v explains the similarities by channels that
    are active everywhere, and w misses the object. "joint" is the paper's solver. kappa_v "auto" is 2k, so that scores
    at uniform v are twice a cosine for any k.

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
        kappa_max: float | Auto = IMPORTANCE_DEFAULTS.kappa_max,
        kappa_prob: float = IMPORTANCE_DEFAULTS.kappa_prob,
    ) -> None:
        super().__init__()
        for name, length in (("n", n), ("k", k), ("h", h), ("w", w)):
            check_at_least(length, 1, name)
        if kappa_max != "auto":
            check_kappa(kappa_max, "kappa_max", ' or "auto"')
        check_kappa(kappa_prob, "kappa_prob")
        self.shape = (n, k, h, w)
        self.kappa_max = 2.0 * k if kappa_max == "auto" else float(kappa_max)
        self.kappa_prob = float(kappa_prob)
        self.register_buffer("region_weights", torch.full((n, h * w), 1.0 / (h * w)))
        self.register_buffer("channel_weights", torch.full((n, k), 1.0 / k))

    @isolate_autograd()
    def estimate(
        self, data: Mapping[str, Any], params: Mapping[str, Any] | None = None, verbose_dir: str | Path | None = None
    ) -> "ImportanceWeight":
        """Solve every anchor's problem.

        Args:
            data: "target_probs" (n, c), "regional_features" (n, k, h, w); optionally "neighbours" by
                `similarity.choose_neighbours`, so that several layers use the same ones, instead of `kl_sample_num`
                chosen by these features; for the heat maps "images" (n, 1 to 4, height, width).
            params: any of :class:`ImportanceParams`.
            verbose_dir: folder for loss curve (csv, png) and heat maps, or None to write nothing.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are not probabilities, unknown parameters.

        Cost: a match of ``2 r^2 k`` operations per pair, two more of the regions that carry weight (usually less
        than a third), and two passes over their matched features; some 16 MB per thread in addition to input,
        candidates and result.
        """
        settings = ImportanceParams.read(params)
        features, probs = self._read(data)
        watch = Stopwatch()
        problems = self._problems(data, features, probs, settings)
        solve = solve_separately if settings.solver == "separate" else solve_jointly
        parts = map_blocks(partial(solve, problems, settings), problems.blocks())
        self.region_weights = torch.cat([part.region_weights for part in parts])
        self.channel_weights = torch.cat([part.channel_weights for part in parts])
        losses = torch.cat([part.losses for part in parts]).double().mean(dim=0).tolist()
        trace = Trace(losses=losses, steps=parts[0].steps, parts={"kl": losses[-1]})
        self.trace = watch.close(trace, "importance weights")
        if verbose_dir is not None:
            write_losses(self.trace, verbose_dir, "importance_weight")
            if data.get("images") is not None:
                images = as_tensor(data["images"], "images")
                write_heat_maps(images, self.region_weights.view(-1, *self.shape[2:]), verbose_dir)
        return self

    def _read(self, data: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Check the data and return features and probabilities."""
        check_keys(data, required=("target_probs", "regional_features"), optional=("images", "neighbours"))
        features = as_tensor(data["regional_features"], "regional_features").detach()
        probs = as_tensor(data["target_probs"], "target_probs").detach()
        check_target_probs(probs)
        check_shape(features, "regional_features", self.shape, "(n, k, h, w)")
        check_shape(probs, "target_probs", (self.shape[0], None), "(n, c)")
        check_finite(features, "regional_features")
        if data.get("images") is not None:
            images = as_tensor(data["images"], "images")
            check_shape(images, "images", (self.shape[0], None, None, None), "(n, channels, height, width)")
        return in_usual_unit(features)[0], probs.to(features.device, working_dtype(features))

    def _problems(
        self, data: Mapping[str, Any], features: Tensor, probs: Tensor, settings: ImportanceParams
    ) -> AnchorProblems:
        neighbours = given_neighbours(data, features, probs, settings)
        everyone = torch.arange(len(probs), device=probs.device)
        return AnchorProblems(
            features=features,
            candidates=unit_rows(features, neighbours.candidates),
            neighbours=neighbours,
            log_target=target_log_similarity(probs, everyone, neighbours.samples, self.kappa_prob),
            kappa=self.kappa_max,
            match_type=match_type(settings.match_dtype, features),
        )
