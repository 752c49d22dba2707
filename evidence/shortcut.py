"""A planted shortcut: a patch in the background that goes with one class; does the method show that it is used?

python evidence/shortcut.py [WORD ...]     all studies, or those whose names contain one of the words: 1.00, -2

Writes runs/evidence/shortcut: the images and a study for each strength and seed, shortcut.csv, figures, section.md.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import object_measures
import planting
import torch
import torch.nn.functional as F
from layer_fits import recorded
from object_measures import points_on
from patternscope.study.stages.fitting import fitted_region
from planting import patch_carriers, plant_patch
from progress import in_parallel
from reading import layer_embedding, layer_files, layer_grid
from resuming import kept
from shortcut_table import write_findings
from studies import HERE, NETWORKS, RUNS, TRAINING, EvidenceStudy
from torch import Tensor

from patternscope.images.pictograms import CLASSES, Pictograms, draw, draw_many
from patternscope.knowledge import (
    KnowledgePoints,
    bootstrap_ratio,
    find_knowledge_points,
    object_cover,
    quality,
    threshold,
)
from patternscope.results.json_csv import flat_interval, read_json
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_study
from patternscope.workflow.executors import InProcessExecutor

FOLDER = RUNS / "shortcut"
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
# The class that the patch goes with, another one for each seed.
TARGETS = {0: "cat", 1: "bus", 2: "orange"}
BASE = 0.1  # share of images with the patch where it says nothing
SIDE = 16  # pixels: four regions of 8 x 8
SIZE, TRAIN, TEST, SAMPLES, PROBES = 64, 300, 50, 25, 60
EXAMPLES = 3  # pictures shown in the figure
_HELD_OUT, _PROBED = 10**9, 2 * 10**9


@dataclass(frozen=True)
class ShortcutStudy(EvidenceStudy):
    """vgg16_slim trained on pictograms of which those of one class carry a patch more often than the others."""

    strength: float = 0.0

    @property
    def layers(self) -> list[str]:
        return ["conv_22", *super().layers]

    @property
    def name(self) -> str:
        return f"{self.strength:.2f}-{self.seed}"

    @property
    def folder(self) -> Path:
        return FOLDER / "studies" / self.name

    @property
    def images_file(self) -> Path:
        return FOLDER / "images" / f"{self.name}.npz"

    @property
    def target(self) -> int:
        """The class that the patch goes with."""
        return CLASSES.index(TARGETS[self.seed])

    def settings(self, **changes: Any) -> StudySettings:
        content = {
            "seed": self.seed,
            "images": {"source": "arrays", "folder": str(self.images_file), "samples_per_class": SAMPLES},
            "network": {**NETWORKS[self.network], "layers": self.layers},
            "training": {**TRAINING[self.network], "checkpoints": 1},
        }
        return make_settings(content, self.name, HERE)


def planted(study: ShortcutStudy, drawn: Pictograms, carries: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures with the patch, and where it is."""
    images, masks = torch.from_numpy(drawn.images), torch.from_numpy(drawn.masks)
    return plant_patch(images, masks, carries, side=SIDE, seed=study.seed)


def write_images(study: ShortcutStudy) -> None:
    """Draw, plant and write the images of a study; the held-out ones follow the same rule."""
    path = study.images_file
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"class_names": np.array(CLASSES)}
    for name, count, start in (("train", TRAIN, 0), ("test", TEST, _HELD_OUT)):
        drawn = draw_many(count * len(CLASSES), size=SIZE, seed=0, start=start)
        labels = torch.from_numpy(drawn.labels)
        carries = patch_carriers(labels, study.target, study.strength, base=BASE, seed=study.seed)
        arrays |= {f"x_{name}": planted(study, drawn, carries)[0].numpy(), f"y_{name}": drawn.labels}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def measure(study: ShortcutStudy) -> list[dict[str, Any]]:
    """A row a layer: points of new images of the class, each of which carries the patch, and how many lie on it."""
    write_images(study)
    run_study(study.folder, study.settings(), executor=InProcessExecutor(), device="cpu")
    return kept(
        FOLDER / "found" / f"{study.name}.json",
        [
            study.folder / "training" / "00" / "network.safetensors",
            planting,
            quality,
            object_measures,
            f"{PROBES} {SIDE} {study.layers} caused",
        ],
        lambda: _measured(study),
    )


def _measured(study: ShortcutStudy) -> list[dict[str, Any]]:
    labels = torch.full((PROBES,), study.target)
    drawn = draw_classes(study.target, PROBES)
    clean = torch.from_numpy(drawn.images)
    images, patches = planted(study, drawn, torch.ones(PROBES, dtype=torch.bool))
    found, without = recorded(study, images, labels), recorded(study, clean, labels)
    rows = []
    for layer in study.layers:
        data = found[layer]
        points = applied(study, layer, data.features, labels)
        before = applied(study, layer, without[layer].features, labels)
        grid = layer_grid(study, layer)
        cover = object_cover(patches, grid)
        rows.append(
            {
                "strength": study.strength,
                "seed": study.seed,
                "class": TARGETS[study.seed],
                "layer": layer,
                "accuracy": _accuracy(data.seen.logits, labels),
                "accuracy_without": _accuracy(without[layer].seen.logits, labels),
                "area": float(cover.mean()),
                "area_near": float(near(patches, grid).mean()),
                "examples": points.reliable[:EXAMPLES].view(-1, *grid).int().tolist(),
                "reliable": points.total_reliable,
                "reliable_without": before.total_reliable,
                "reliable_on_patch": float(points_on(points.reliable, cover)[0].mean()),
                **_share("share_caused", points.reliable, (~before.reliable).double()),
                **_share("share", points.reliable, cover),
                **_share("share_near", points.reliable, near(patches, grid)),
                **_share(
                    "share_object",
                    points.reliable,
                    object_cover(torch.from_numpy(drawn.masks), grid),
                ),
            }
        )
    return rows


def draw_classes(label: int, count: int) -> Pictograms:
    """New pictures of one class."""
    drawn = [draw(_PROBED + len(CLASSES) * each + label, size=SIZE, seed=0) for each in range(count)]
    images = np.stack([each.image.transpose(2, 0, 1) for each in drawn])
    return Pictograms(images, np.full(count, label), np.stack([each.mask for each in drawn]))


def applied(study: EvidenceStudy, layer: str, features: Tensor, labels: Tensor) -> KnowledgePoints:
    """The knowledge points of other images, through the study's own maps."""
    folder, settings = layer_files(study, "region", layer), study.settings()
    _, directions = layer_embedding(study, layer)
    kappa = settings.region.kappa_max
    unit = read_json(folder / "strength.json")["mean_strength"]
    h = fitted_region(folder, kappa)(features)
    tau = threshold(settings.knowledge.tau, len(directions))
    return find_knowledge_points(h, directions, labels, tau, kappa_max=kappa, unit_strength=unit)


def near(patches: Tensor, grid: tuple[int, int]) -> Tensor:
    """How much of each region is the patch, or within a region's width of it."""
    reach = max(patches.shape[1] // grid[0], patches.shape[2] // grid[1])
    wide = F.max_pool2d(patches[:, None].float(), 2 * reach + 1, stride=1, padding=reach)[:, 0] > 0
    return object_cover(wide, grid)


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(dim=1) == labels).double().mean())


def _share(name: str, points: Tensor, cover: Tensor) -> dict[str, float | None]:
    return flat_interval(name, bootstrap_ratio(*points_on(points, cover)))


def shortcut_studies(words: Sequence[str] = ()) -> list[ShortcutStudy]:
    known = [
        ShortcutStudy("pictograms", "vgg16_slim", seed, strength)
        for seed in TARGETS
        for strength in sorted(STRENGTHS, key=lambda each: abs(each - 0.5), reverse=True)
    ]
    return [each for each in known if not words or any(word in each.name for word in words)]


def _examples(seed: int) -> Tensor:
    """The first probes of a seed's class, as they are shown: (b, height, width, 3) in [0, 1]."""
    study = ShortcutStudy("pictograms", "vgg16_slim", seed, 1.0)
    drawn = draw_classes(study.target, PROBES)
    images, _ = planted(study, drawn, torch.ones(PROBES, dtype=torch.bool))
    return images[:EXAMPLES].permute(0, 2, 3, 1).float() / 255


def main(words: Sequence[str] = ()) -> None:
    chosen = shortcut_studies(words)
    found = {study.name: rows for study, rows in in_parallel(measure, chosen, lambda study: study.name)}
    shown = {TARGETS[seed]: _examples(seed) for seed in {study.seed for study in chosen}}
    write_findings(FOLDER, [row for study in chosen for row in found[study.name]], shown)


if __name__ == "__main__":
    main(sys.argv[1:])
