"""Stage importance: the weights of regions and channels of each layer and checkpoint."""

from torch import Tensor

from patternscope.embeddings.settings import ImportanceSettings
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import ImportanceResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import HELD, NUMBER, WEIGHTY, Cost, Facts, match_operations
from patternscope.study.fitting import fit_importance, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

_ANCHOR_SECONDS = 1.3e-3  # of the operations that are one anchor's alone, whatever its size


def run_importance(ctx: UnitContext) -> None:
    """Write region weights (n, r) and channel weights (n, k) of all samples."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    features = inputs.load(FeaturesResult, ctx.unit.checkpoint)
    regional = features.regional.read(layer).to(device_of(ctx))
    weights = weigh_regions(settings.importance, regional, features.target_probs, inputs.images, settings.seed)
    weights.save(ctx.folder)


def weigh_regions(
    settings: ImportanceSettings, regional: Tensor, target_probs: Tensor, images: ImagesResult, seed: int
) -> ImportanceResult:
    """Return the importance weights of regional features (n, k, h, w), on whose device they are estimated."""
    fitted = fit_importance(settings, regional, target_probs.to(regional.device), images, seed)
    return ImportanceResult(
        region_weights=fitted.region_weights.cpu(),
        channel_weights=fitted.channel_weights.cpu(),
        grid=grid_of(regional),
        trace=fit_trace(fitted.trace),
    )


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
    memory = facts.regional_bytes(unit.layer) * 1.25 + NUMBER * (m + 1) * k * r + HELD
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
