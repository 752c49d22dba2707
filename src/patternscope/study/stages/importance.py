"""Stage importance: the weights of regions and channels of each layer and checkpoint."""

from collections.abc import Callable

import torch
from torch import Tensor

from patternscope.embeddings import ImportanceWeight
from patternscope.embeddings.settings import ImportanceSettings
from patternscope.results.features import Features, FeaturesResult, read_blocks, read_rows
from patternscope.results.fits import ImportanceResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.similarity.neighbours import Neighbours
from patternscope.solvers import Trace
from patternscope.study.cost_model import HELD, NUMBER, WEIGHTY, Cost, Facts, match_operations
from patternscope.study.fitting import draw_neighbours, fit_importance, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

Report = Callable[[float, str], None]
_AT_ONCE = 2**28  # numbers of features that are read whole
_ANCHOR_SECONDS = 1.3e-3  # of the operations per anchor, independent of its size
_SMALLER = 4  # factor by which an image counts as smaller: blocks are larger, since neighbours are read with each


def _silent(fraction: float, text: str) -> None:
    """Ignore progress."""


def run_importance(ctx: UnitContext) -> None:
    """Write region weights (n, r) and channel weights (n, k) of all samples."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    features = inputs.load(FeaturesResult, ctx.unit.checkpoint)
    regional, seed = features.regional.open(layer), settings.seed
    weigh_regions(
        settings.importance, regional, features.target_probs, inputs.images, seed, device_of(ctx), ctx.report
    ).save(ctx.folder)


def weigh_regions(
    settings: ImportanceSettings,
    regional: Features,
    target_probs: Tensor,
    images: ImagesResult,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = _silent,
) -> ImportanceResult:
    """Return the importance weights of regional features (n, k, h, w), estimated on a device.

    Many features are read in blocks of anchors, each with the neighbours that all anchors share; every anchor is a
    separate problem, so the weights are the same. The losses of the trace are then means over blocks. Cost: that of
    `ImportanceWeight.estimate`, and the neighbours again in each block.
    """
    neighbours = draw_neighbours(settings, images, seed)
    if len(regional) * regional[:1].numel() <= _AT_ONCE:
        whole = read_rows(regional, None, device)
        fitted = [fit_importance(settings, whole, target_probs.to(device), neighbours, seed)]
    else:
        fitted = _block_by_block(settings, regional, target_probs, neighbours, seed, device, report)
    sizes = torch.tensor([float(len(part.region_weights)) for part in fitted], dtype=torch.float64)
    losses = torch.tensor([part.trace.losses for part in fitted], dtype=torch.float64)
    mean = ((sizes / sizes.sum()) @ losses).tolist()
    first = fitted[0].trace
    trace = Trace(losses=mean, steps=first.steps, converged=first.converged, parts={"kl": mean[-1]})
    return ImportanceResult(
        region_weights=torch.cat([part.region_weights.cpu() for part in fitted]),
        channel_weights=torch.cat([part.channel_weights.cpu() for part in fitted]),
        grid=grid_of(regional[:1]),
        trace=fit_trace(trace),
    )


def _block_by_block(
    settings: ImportanceSettings,
    regional: Features,
    target_probs: Tensor,
    neighbours: Neighbours,
    seed: int,
    device: torch.device | str,
    report: Report,
) -> list[ImportanceWeight]:
    """The weights of blocks of anchors, each fitted with the neighbours of all."""
    candidates = neighbours.candidates
    shared, count = read_rows(regional, candidates, device), len(candidates)
    fitted = []
    for rows, block in read_blocks(regional, device, regional[:1].numel() // _SMALLER):
        together = torch.cat([candidates, torch.arange(rows.start, rows.stop)])
        own = Neighbours(torch.arange(count), neighbours.positions[together])
        probs = target_probs[together].to(device)
        part = fit_importance(settings, torch.cat([shared, block]), probs, own, seed)
        part.region_weights, part.channel_weights = part.region_weights[count:], part.channel_weights[count:]
        fitted.append(part)
        report(rows.stop / len(regional), f"image {rows.stop} of {len(regional)}")
    return fitted


def grid_of(regional: Tensor) -> tuple[int, int]:
    """Return the region grid of regional features (n, k, h, w).

    >>> import torch
    >>> grid_of(torch.zeros(1, 2, 3, 4))
    (3, 4)
    """
    height, width = regional.shape[-2:]
    return height, width


def importance_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one estimate: the matches, and passes of Adam over their scores."""
    k, r = facts.layers[unit.layer or ""]
    n, asked = facts.samples, settings.importance
    m = min(asked.kl_sample_num, n - 1)
    steps, weighty = asked.n_step, WEIGHTY * r
    match = match_operations(n, m, r, r, k) + 2 * match_operations(n, m, weighty, r, k)
    # Each step of Adam reads the scores twice: n m r of them for w, n m k twice for v.
    passes = 2 * steps * NUMBER * n * m * (r + 2 * k)
    by_channel = 2 * 2 * NUMBER * n * m * weighty * k
    if asked.solver == "joint":
        match, by_channel = match_operations(n, m, r, r, k) * (1 + steps // asked.match_every), 0.0
        passes = 4 * steps * NUMBER * n * m * r * k
    memory = min(facts.regional_bytes(unit.layer), NUMBER * _AT_ONCE) * 1.25 + NUMBER * (m + 1) * k * r + HELD
    seconds = match / facts.products + (passes + by_channel) / facts.copies + _ANCHOR_SECONDS * n
    return Cost(seconds, NUMBER * n * (r + k), memory)


STAGES = (
    Stage(
        "importance",
        version=3,
        run=run_importance,
        settings=("seed", "importance"),
        needs=(reads(ImagesResult, "identity"), reads(FeaturesResult, "target_probs", "regional")),
        per=("checkpoint", "layer"),
        weight=8.0,
        cost=importance_cost,
    ),
)
