"""A planted shortcut: a patch in the background that goes with one class; do the knowledge points show it?

python -m evidence shortcut [--studies WORD ...]     all studies, or those with a word in their names: 1.00, -2

Writes into runs/evidence/shortcut: the images and a study for each strength and seed, shortcut.csv, a figure,
section.md.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import object_measures
from evidence.measurements import Measurement, code_of
from evidence.object_measures import points_on
from evidence.recording import record_images
from evidence.shortcut import planting
from evidence.shortcut import study as shortcut_study
from evidence.shortcut.section import write
from evidence.shortcut.study import FOLDER, TARGETS, ShortcutStudy, shortcut_studies
from evidence.tables import Row
from patternscope.knowledge import (
    KnowledgePoints,
    bootstrap_ratio,
    find_knowledge_points,
    object_cover,
    quality,
    threshold,
)
from patternscope.results.record_codec import flat_interval
from patternscope.results.study import StoredResults
from patternscope.study.fitting import embed_by_all

EXAMPLES = 3  # images shown in the figure


def measure_points(study: ShortcutStudy, results: StoredResults) -> list[Row]:
    """Return a row per layer: points of new images of the class, each with the patch, and how many lie on it."""
    drawn, (images, patches) = study.probes(), study.planted_probes()
    labels = torch.full((len(images),), study.target)
    planted = record_images(study, results, images)
    clean = record_images(study, results, torch.from_numpy(drawn.images))
    about = {
        "strength": study.strength,
        "seed": study.seed,
        "class": TARGETS[study.seed],
        "accuracy": _accuracy(planted.logits, labels),
        "accuracy_without": _accuracy(clean.logits, labels),
    }
    masks = torch.from_numpy(drawn.masks)
    rows = []
    for layer in study.layers:
        points = apply_maps(study, results, layer, planted.regional.read(layer), labels)
        before = apply_maps(study, results, layer, clean.regional.read(layer), labels)
        grid = results.region(layer).grid
        rows.append({**about, "layer": layer, **_row_of_layer(points, before, grid, patches, masks)})
    return rows


def _row_of_layer(
    points: KnowledgePoints, before: KnowledgePoints, grid: tuple[int, int], patches: Tensor, masks: Tensor
) -> Row:
    """Counts and places of a layer's points with the patch and without."""
    cover, nearby, reliable = object_cover(patches, grid), near(patches, grid), points.reliable
    return {
        "area": float(cover.mean()),
        "area_near": float(nearby.mean()),
        "examples": reliable[:EXAMPLES].view(-1, *grid).int().tolist(),
        "reliable": points.total_reliable,
        "reliable_without": before.total_reliable,
        "reliable_on_patch": float(points_on(reliable, cover)[0].mean()),
        **_share("share_caused", reliable, (~before.reliable).double()),
        **_share("share", reliable, cover),
        **_share("share_near", reliable, nearby),
        **_share("share_object", reliable, object_cover(masks, grid)),
    }


def apply_maps(
    study: ShortcutStudy, results: StoredResults, layer: str, regional: Tensor, labels: Tensor
) -> KnowledgePoints:
    """Return the knowledge points of other images through the study's own maps."""
    region, directions, settings = results.region(layer), results.sample().mean_directions, study.settings()
    return find_knowledge_points(
        embed_by_all(region, regional),
        directions,
        labels,
        threshold(settings.knowledge.tau, len(directions)),
        kappa_max=settings.region.kappa_max,
        unit_strength=region.mean_strength_of_all,
    )


def near(patches: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return how much of each region is the patch, or within a region's width of it."""
    reach = max(patches.shape[1] // grid[0], patches.shape[2] // grid[1])
    wide = F.max_pool2d(patches[:, None].float(), 2 * reach + 1, stride=1, padding=reach)[:, 0] > 0
    return object_cover(wide, grid)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(dim=1) == labels).double().mean())


def _share(name: str, points: Tensor, cover: Tensor) -> dict[str, float | None]:
    """The share of the points that lies on something, under a name, with its interval over images."""
    return flat_interval(name, bootstrap_ratio(*points_on(points, cover)))


def example_images(seed: int) -> Tensor:
    """Return the first probes of a seed's class as a figure shows them: (b, height, width, 3) in [0, 1]."""
    images, _ = ShortcutStudy("pictograms", "vgg16_slim", seed, 1.0).planted_probes()
    return images[:EXAMPLES].permute(0, 2, 3, 1).float() / 255


MEASUREMENT = Measurement("shortcut", measure_points, code_of(planting, shortcut_study, quality, object_measures))


def main(words: Sequence[str] = ()) -> None:
    studies = shortcut_studies(words)
    rows = MEASUREMENT.of_all(studies)
    examples = {TARGETS[seed]: example_images(seed) for seed in {study.seed for study in studies}}
    write(FOLDER, [row for study in studies for row in rows[study]], examples)
