"""Measure how far patterns of a pictogram study show one part of the object each: purity, chance and interval.

    python docs/tools/pattern_parts.py runs/demo
    python docs/tools/pattern_parts.py runs/demo --permuted

The study has [patterns]. A region's part is the one that most of its pixels show where the object covers a quarter of
it, otherwise "background". Purity is the share of a layer's pattern regions that show the most frequent part of their
pattern, with patterns of a class compared among themselves. Chance: the same with the regions of a class permuted over
its patterns. Place: the same for clusters of the regions by row and column, as many as the class has patterns, which
are contiguous and know nothing of features. Intervals are over images. `--permuted` counts the patterns that are found
where targets are permuted over images, and the regions that were reliable are kept as reliable.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from patternscope.errors import InputError
from patternscope.images.pictograms import draw, draw_parts
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.patterns import find_patterns, unit_features
from patternscope.results.features import FeaturesResult
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import StudyResults, open_results, read_record

COVER = 1 / 4
PERMUTATIONS, DRAWS = 40, 1000
BACKGROUND = 0


@dataclass(frozen=True)
class Regions:
    """Regions of a layer's patterns: image, class and place of each, its cluster and its part (m,), part 0 nothing."""

    image: np.ndarray
    label: np.ndarray
    place: np.ndarray
    cluster: np.ndarray
    part: np.ndarray


def parts_of_regions(results: StudyResults, seed: int, grid: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Return the part of each region (n, r), a place in the returned names."""
    images, (height, width) = results.images, grid
    names, rows = ["background"], []
    for number, pixels in zip(images.names, images.images, strict=True):
        index, size = int(number.split()[1]), pixels.shape[-1]
        place, own = draw_parts(index, size=size, seed=seed)
        names += [name for name in own if name not in names]
        cells = place.reshape(height, size // height, width, size // width).swapaxes(1, 2).reshape(height * width, -1)
        counts = np.stack([(cells == part).sum(axis=1) for part in range(1, 1 + len(own))], axis=1)
        known = np.array([names.index(name) for name in own])[counts.argmax(axis=1)]
        rows.append(np.where(counts.sum(axis=1) >= COVER * cells.shape[1], known, BACKGROUND))
    return np.stack(rows), names


def checked_seed(results: StudyResults, seed: int) -> int:
    """Return the seed of the pictograms; InputError where the study's first image is not the one drawn by it."""
    index, image = int(results.images.names[0].split()[1]), results.images.images[0].numpy()
    if (
        results.images.source != "pictograms"
        or (draw(index, size=image.shape[-1], seed=seed).image.transpose(2, 0, 1) != image).any()
    ):
        raise InputError("study: expected colour pictograms drawn by the study's seed, got other images")
    return seed


def regions_of(found: PatternsResult, labels: np.ndarray, parts: np.ndarray) -> Regions:
    """Return the regions of a layer's patterns."""
    image, place = found.sample.numpy(), found.region.numpy()
    return Regions(image, labels[image], place, found.pattern.numpy(), parts[image, place])


def tables(regions: Regions, cluster: np.ndarray, images: int) -> np.ndarray:
    """Return how many regions of each image are in each cluster and show each part (n, clusters, parts)."""
    counts = np.zeros((images, cluster.max() + 1, regions.part.max() + 1), dtype=np.float32)
    np.add.at(counts, (regions.image, cluster, regions.part), 1)
    return counts


def purities(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the purity for each row of weights of the images (d, n) -> (d,)."""
    drawn = np.tensordot(weights, counts, axes=1)
    return drawn.max(axis=2).sum(axis=1) / drawn.sum(axis=(1, 2))


def permuted(regions: Regions, rng: np.random.Generator) -> np.ndarray:
    """Return the clusters of the regions, permuted among the regions of each class."""
    cluster = regions.cluster.copy()
    for label in np.unique(regions.label):
        own = np.flatnonzero(regions.label == label)
        cluster[own] = cluster[rng.permutation(own)]
    return cluster


def by_place(regions: Regions, width: int) -> np.ndarray:
    """Return clusters of the regions of each class by row and column, as many as it has patterns."""
    cluster, first = np.zeros(len(regions.image), dtype=np.int64), 0
    for label in np.unique(regions.label):
        own = regions.label == label
        count = len(np.unique(regions.cluster[own]))
        points = np.stack(divmod(regions.place[own], width), axis=1).astype(float)
        cluster[own] = first + kmeans2(points, count, minit="++", seed=np.random.default_rng(0))[1]
        first += count
    return cluster


def measure(regions: Regions, width: int, images: int) -> dict[str, tuple[float, float, float]]:
    """Return purity, chance, purity by place and the differences from both, each with a 95 % interval over images."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(images, np.full(images, 1 / images), size=DRAWS).astype(np.float32)
    weights = np.concatenate([np.ones((1, images), dtype=np.float32), drawn])
    own = purities(tables(regions, regions.cluster, images), weights)
    others = [purities(tables(regions, permuted(regions, rng), images), weights) for _ in range(PERMUTATIONS)]
    chance, place = np.mean(others, axis=0), purities(tables(regions, by_place(regions, width), images), weights)
    values = {
        "purity": own,
        "chance": chance,
        "by place": place,
        "above chance": own - chance,
        "above place": own - place,
    }
    return {name: (each[0], *np.quantile(each[1:], [0.025, 0.975])) for name, each in values.items()}


def count_permuted(results: StudyResults, layer: str, permutations: int = 3) -> list[int]:
    """Return how many patterns a layer has under permuted targets."""
    images, known = results.images, results.knowledge(layer)
    features = unit_features(results.load(FeaturesResult).regional.read(layer))
    halves = torch.stack([assign_folds(images.labels, 2, identity=images.identity, seed=seed) for seed in range(3)])
    counts = []
    for seed in range(permutations):
        labels = images.labels[torch.randperm(len(images.labels), generator=torch.Generator().manual_seed(seed))]
        bits, classes = results.evidence(layer).bits, len(images.classes)
        counts.append(len(find_patterns(features, known.reliable, labels, bits, halves, classes=classes, seed=seed)))
    return counts


def permuted_table(folder: Path) -> None:
    """Print the patterns of each layer, as they are and under permuted targets."""
    results = open_results(folder)
    print("| layer | patterns | with permuted targets |")
    print("|---|---|---|")
    for layer in results.layers(PatternsResult):
        found = len(results.load(PatternsResult, layer=layer).patterns)
        print(f"| {layer} | {found} | {', '.join(map(str, count_permuted(results, layer)))} |", flush=True)


def main(folder: Path) -> None:
    """Print a row for each layer with patterns, of all regions and of those on the object."""
    results = open_results(folder)
    seed = checked_seed(results, read_record(folder).seed)
    labels, count = results.images.labels.numpy(), len(results.images.labels)
    print("| layer | regions | patterns | purity | chance | by place | above chance | above place |")
    print("|---|---|---|---|---|---|---|---|")
    for layer in results.layers(PatternsResult):
        found = results.load(PatternsResult, layer=layer)
        if not found.patterns:
            continue
        parts, _ = parts_of_regions(results, seed, found.grid)
        every = regions_of(found, labels, parts)
        on_object = Regions(*(each[every.part != BACKGROUND] for each in vars(every).values()))
        for name, regions in (("all", every), ("on the object", on_object)):
            cells = [
                f"{value:.2f} ({low:.2f}–{high:.2f})"
                for value, low, high in measure(regions, found.grid[1], count).values()
            ]
            kinds = len(np.unique(regions.cluster))
            print(f"| {layer} | {name}: {len(regions.image):,} | {kinds} | {' | '.join(cells)} |")


if __name__ == "__main__":
    (permuted_table if "--permuted" in sys.argv else main)(Path(sys.argv[1]))
