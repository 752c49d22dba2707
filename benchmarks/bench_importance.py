"""Importance weights and the match: against the naive loops, by what w marks, and how their time grows."""

import bench_features
import naive_loops
import torch
from bench_features import Features
from measuring import matrix_rate, row, seconds
from torch import Tensor

from patternscope.embeddings import ImportanceWeight
from patternscope.embeddings.neighbourhood import find_neighbours, unit_rows
from patternscope.knowledge import curve_area, deletion_curve, removal_order, removal_shares
from patternscope.similarity import target_log_similarity
from patternscope.similarity.matching import best_matches

PAIRS_TIMED = 6
ANCHORS_OF_THE_NAIVE_LOOP = 4
IMAGES_JUDGED = 100
_DELETIONS = 16


def weights(data: Features, **params: object) -> ImportanceWeight:
    return estimated(data.regional, data.probs, **params)


def estimated(regional: Tensor, probs: Tensor, **params: object) -> ImportanceWeight:
    weight = ImportanceWeight(*regional.shape)
    return weight.estimate({"target_probs": probs, "regional_features": regional}, params)


def importance() -> None:
    """Time and loss against the naive loop with the reference's 20 steps."""
    data = bench_features.load()
    n = len(data.regional)
    unit = unit_rows(data.regional, torch.arange(n)).transpose(1, 2).contiguous()
    neighbours = find_neighbours(data.regional, data.probs, 100, 0).samples
    log_target = target_log_similarity(data.probs, torch.arange(n), neighbours)
    weight = weights(data)
    a_step = seconds(
        lambda: naive_loops.importance_anchor(unit, 0, neighbours[0, :PAIRS_TIMED], log_target[0, :PAIRS_TIMED], 2), 2
    ) / (2 * PAIRS_TIMED)
    theirs = a_step * neighbours.numel() * 20
    row(
        "importance, 500 x 100, against 20 steps", f"{theirs / weight.trace.seconds:.0f} x",
        f"{weight.trace.seconds:.1f} s, mean loss {weight.trace.losses[-1]:.4f} (start {weight.trace.losses[0]:.4f})",
        f"{theirs / 3600:.1f} h ({a_step * 1e3:.0f} ms a pair and step)",
    )  # fmt: skip
    chosen = range(n // 8, n, n // ANCHORS_OF_THE_NAIVE_LOOP)
    ours, naive = [], []
    for i in chosen:
        problem = unit, i, neighbours[i], log_target[i]
        w, v = weight.region_weights[i], weight.channel_weights[i]
        ours.append(naive_loops.importance_loss(*problem, w, v, weight.kappa_max))
        naive.append(
            naive_loops.importance_loss(*problem, *naive_loops.importance_anchor(*problem, 20), naive_loops.KAPPA_V)
        )  # fmt: skip
    what = f"loss of {len(naive)} anchors, both by the loop, over all neighbours"
    row(what, f"{sum(ours) / sum(naive):.2f}", _listed(ours), _listed(naive))


def _listed(losses: list[float]) -> str:
    return f"{sum(losses) / len(losses):.4f} ({', '.join(f'{loss:.3f}' for loss in losses)})"


def match() -> None:
    """All pairs of 100 samples against the naive loop and against the matrix rate."""
    data = bench_features.load()
    unit = unit_rows(data.regional, torch.arange(100))
    v = torch.full((512,), 1 / 512)
    positions = torch.arange(100).repeat(100, 1)
    columns = unit.transpose(1, 2).contiguous()
    a_pair = (
        seconds(lambda: [naive_loops.match_pair(columns[0], columns[j], v) for j in range(PAIRS_TIMED)], 2)
        / PAIRS_TIMED
    )
    for dtype in (torch.float32, torch.bfloat16):
        before = matrix_rate(dtype)
        ours = seconds(lambda dtype=dtype: best_matches(unit * v, unit, positions, dtype), 3)
        share = 2 * 196**2 * 512 * 100**2 / ours / max(before, matrix_rate(dtype))
        row(f"match, all pairs of 100, {str(dtype).removeprefix('torch.')}", f"{a_pair * 100**2 / ours:.0f} x",
            f"{ours:.2f} s, {share:.0%} of the matrix rate of its type",
            f"{a_pair * 100**2:.0f} s ({a_pair * 1e3:.0f} ms a pair)")  # fmt: skip


def meaning() -> None:
    """Quality of w in two layers: loss, share on the object, and area under the deletion curve."""
    data = bench_features.load()
    judge = _Judge(data)
    generator = torch.Generator().manual_seed(0)
    judge.row("random order", torch.rand(judge.objects.shape, generator=generator), "")
    judge.row("the object's own cover of a region", judge.objects, "")
    for layer, regional in (("conv_53", data.regional), ("conv_43", data.earlier)):
        for name, params in (
            ("separate", {}),
            ("separate, match in bfloat16", {"match_dtype": "bfloat16"}),
            ("joint", {"solver": "joint"}),
        ):
            weight = estimated(regional[:IMAGES_JUDGED], data.probs[:IMAGES_JUDGED], **params)
            text = f"loss {weight.trace.losses[-1]:.4f}, {weight.trace.seconds:.1f} s, "
            judge.row(f"{layer}, {name}", weight.region_weights, text)


class _Judge:
    """Share of w on the object and area under the deletion curve on some of the images."""

    def __init__(self, data: Features) -> None:
        self.objects = data.object_share[:IMAGES_JUDGED]
        self.labels = data.labels[:IMAGES_JUDGED]
        self.images = bench_features.images(IMAGES_JUDGED).float() / 255
        self.network = bench_features.network()

    @torch.no_grad()
    def _probabilities(self, images: Tensor) -> Tensor:
        return torch.softmax(self.network(images), dim=1)

    def row(self, what: str, region_weights: Tensor, text: str) -> None:
        order = removal_order(region_weights)
        grid = bench_features.GRID
        curve = deletion_curve(self._probabilities, self.images, self.labels, order, grid, steps=_DELETIONS)
        area = curve_area(curve, removal_shares(grid[0] * grid[1], _DELETIONS)).mean()
        share = (region_weights / region_weights.sum(1, keepdim=True) * self.objects).sum(1).mean()
        text += f"share of w on the object {share:.3f}, deletion area {area:.3f}"
        row(f"w, {IMAGES_JUDGED} images: {what}", "-", text, "")


def growth_importance() -> None:
    """Time against n, k and r, each beside the growth of the operations."""
    data = bench_features.load()
    full = data.regional[:200]
    for name, few, factor in (
        ("n 100 to 200, 99 neighbours", full[:100], 2),
        ("k 128 to 512", full[:, ::4].contiguous(), 4),
        ("r 49 to 196", torch.nn.functional.avg_pool2d(full, 2), 16),
    ):
        small, large = (
            min(estimated(part, data.probs[: len(part)], kl_sample_num=99).trace.seconds for _ in range(2))
            for part in (few, full)
        )
        row(f"importance, {name}", f"{large / small:.1f} x", f"{small:.2f} s to {large:.2f} s",
            f"operations of the match {factor} x")  # fmt: skip
