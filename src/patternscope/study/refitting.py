"""A layer fitted and judged again, by one division of the images, with any targets."""

from dataclasses import replace

from torch import Tensor

from patternscope.embeddings.settings import ImportanceSettings, RegionSettings
from patternscope.results.fits import ImportanceResult, RegionResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Rule
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.fitted_part import SampleFrame
from patternscope.study.judges import Judged, judge_images
from patternscope.study.stages.evidence import judging_cost
from patternscope.study.stages.importance import importance_cost, weigh_regions
from patternscope.study.stages.region import embed_regions, region_cost
from patternscope.workflow.stages import Unit


def weigh_if_read(
    importance: ImportanceSettings,
    region: RegionSettings,
    regional: Tensor,
    target_probs: Tensor,
    images: ImagesResult,
    seed: int,
) -> ImportanceResult | None:
    """Return the importance weights of regional features if the objective reads them, else None."""
    if region.objective != "paper":
        return None
    return weigh_regions(importance, regional, target_probs, images, seed, regional.device)


def refit_layer(
    settings: StudySettings,
    rule: Rule,
    regional: Tensor,
    target_probs: Tensor,
    labels: Tensor,
    sample: SampleFrame,
    images: ImagesResult,
    draw: int = 0,
) -> tuple[RegionResult, Judged]:
    """Return maps of features (n, k, h, w) by one division of the images, and their judgements on the labels (n,).

    All arguments are those of the images that maps of the study are fitted to, and all of these are fitted to. `draw` 0
    is the study's own; any other divides the images and chooses neighbours differently.
    """
    importance = settings.importance.model_copy(update={"seed": settings.importance.seed + draw})
    asked = settings.region.model_copy(update={"seed": settings.region.seed + draw, "splits": 1})
    weights = weigh_if_read(importance, asked, regional, target_probs, images, settings.seed)
    where = regional.device
    fitted = embed_regions(asked, rule, regional, target_probs, sample, weights, images, settings.seed, where)
    return fitted, judge_images(fitted, regional, labels, sample.mean_directions, asked.kappa_max)


def refitting_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of `refit_layer`."""
    once = settings.model_copy(update={"region": settings.region.model_copy(update={"splits": 1})})
    formulas = [region_cost, judging_cost, *([importance_cost] if once.region.objective == "paper" else [])]
    part = replace(facts, samples=facts.fitted)
    return sum((formula(unit, part, once) for formula in formulas), start=Cost())
