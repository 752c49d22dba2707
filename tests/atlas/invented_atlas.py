"""Atlases of any size from invented numbers, for tests and for working on the page.

    python tests/atlas/invented_atlas.py FOLDER --images 2000 --grid 7 7 --steps 12      98,000 points x 12 checkpoints
    python tests/atlas/invented_atlas.py FOLDER --images 5000 --grid 20 10 --steps 2     1,000,000 points

Points start near the origin and move out along their class's direction, deeper layers farther; some go astray.
Confidence, category and knowledge are the posterior of the positions, so that a page can be checked against them.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from patternscope.atlas.contents import (
    AtlasContent,
    Condition,
    LayerContent,
    LayerPatterns,
    PatternEntry,
    PatternFall,
    Perturbation,
    Regions,
    Step,
)
from patternscope.atlas.feature_codes import FeatureCodes
from patternscope.atlas.store import write_store
from patternscope.knowledge.calibration import class_shares
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.points import threshold
from patternscope.knowledge.temperatures import Temperatures

KAPPA_MAX = 1000.0
UNIT = 0.8  # mean strength of calibrated layers
REFITS = 6
ANIMALS = ("bridge", "bus", "car", "cat", "desk", "dog", "frog", "ipod", "lifeboat", "orange")


def class_names(count: int) -> tuple[str, ...]:
    """Ten plain names; beyond them long ones."""
    more = (f"a class with a rather long name, number {each}" for each in range(len(ANIMALS), count))
    return (*ANIMALS, *more)[:count] if count > len(ANIMALS) else ANIMALS[:count]


def directions(classes: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Unit vectors that keep apart: the best of a few random draws."""
    draws = rng.normal(size=(50, classes, dimensions))
    draws /= np.linalg.norm(draws, axis=2, keepdims=True)
    overlap = (draws @ draws.transpose(0, 2, 1) - 2 * np.eye(classes)).max(axis=(1, 2))
    return draws[overlap.argmin()]


def pictures(labels: np.ndarray, side: int, rng: np.random.Generator, channels: int = 3) -> np.ndarray:
    """Images with a disc whose place and colour say class and image."""
    y, x = np.mgrid[:side, :side]
    centre = rng.uniform(0.3, 0.7, size=(2, len(labels), 1, 1)) * side
    disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < (0.25 * side) ** 2
    colours = rng.integers(60, 255, size=(int(labels.max()) + 1, channels, 1, 1))
    ground = rng.integers(20, 60, size=(len(labels), channels, 1, 1))
    return np.where(disc[:, None], colours[labels], ground).astype(np.uint8)


def _counts(mask: np.ndarray, reliable: np.ndarray) -> np.ndarray:
    """(3, 3): total, reliable, ratio with an interval of two standard errors."""
    if not len(mask):
        return np.full((3, 3), np.nan)
    each = np.stack([mask.sum(axis=1), reliable.sum(axis=1)]).astype(float)
    value, error = each.mean(axis=1), 2 * each.std(axis=1) / np.sqrt(each.shape[1])
    rows = [(v, max(0.0, v - d), v + d) for v, d in zip(value, error, strict=True)]
    ratio = value[1] / value[0] if value[0] else np.nan
    return np.array([*rows, (ratio, ratio * 0.95, min(1.0, ratio * 1.05))])


def invent_layer(
    labels: np.ndarray,
    mu: np.ndarray,
    grid: tuple[int, int],
    growth: list[float],
    seed: int,
    *,
    importance: bool = True,
    astray: np.ndarray | None = None,
    calibrated: bool = True,
) -> LayerContent:
    """A layer whose points stand at `growth[t]` of their way, and at `astray[t]` of the way to the next class.

    Two halves of the images have temperatures each if it is calibrated; otherwise it is one of an old study.
    """
    regions, classes = grid[0] * grid[1], len(mu)
    odd = torch.arange(len(labels)) % 2 == 1
    halves = [torch.where(odd, one, other).double() for one, other in ((0.7, 1.6), (0.5, 1.1), (0.9, 1.2))]
    temperatures = Temperatures(*halves) if calibrated else None
    unit = UNIT if calibrated else 1.0

    def step(at: int) -> Regions:
        rng = np.random.default_rng(seed)
        said = np.where(
            rng.random((len(labels), regions)) < 0.75,
            labels[:, None],
            rng.integers(classes, size=(len(labels), regions)),
        )
        reach = rng.gamma(2.0, 1.0, size=(len(labels), regions, 1)) * (rng.random((len(labels), regions, 1)) < 0.6)
        turn = 0.0 if astray is None else astray[at]
        towards = (1 - turn) * mu[said] + turn * mu[(said + 1) % classes]
        noise = rng.normal(scale=0.25, size=(len(labels), regions, mu.shape[1]))
        position = (growth[at] * reach * towards + noise).astype(np.float32)
        rule = PointRule(threshold("auto", classes), KAPPA_MAX, 1.0, temperatures)
        given = torch.from_numpy(unit * position), torch.from_numpy(mu).float(), torch.from_numpy(labels)
        found, bits = rule.points(*given), rule.bits(*given)
        weights = rng.dirichlet(np.full(regions, 0.3), len(labels)) if importance else None
        return Regions(
            position,
            found.category.numpy(),
            found.confidence.numpy(),
            found.mask.numpy(),
            found.reliable.numpy(),
            weights,
            *(() if bits is None else (temperatures, bits.numpy(), rng.integers(7, size=bits.shape) / REFITS)),
        )

    counted = [step(at) for at in range(len(growth))]
    return LayerContent(
        grid=grid,
        regions=step,
        counts=np.stack([_counts(each.mask, each.reliable) for each in counted]),
        class_counts=np.stack(
            [
                [_counts(each.mask[labels == label], each.reliable[labels == label]) for label in range(classes)]
                for each in counted
            ]
        ),
        emerged=np.stack([each.reliable.any(axis=1) for each in counted]),
        unit=unit,
        features=lambda: FeatureCodes.of(invented_features(len(labels), grid, seed)),
        **(_evidence(counted) if calibrated else {}),
    )


def invented_features(images: int, grid: tuple[int, int], seed: int) -> torch.Tensor:
    """Features (n, k, h, w) of which a few channels matter most, beside those of the embedding."""
    rng = np.random.default_rng(seed + 77)
    weights = 0.8 ** np.arange(24)[:, None, None]
    return torch.from_numpy((weights * rng.normal(size=(images, 24, *grid))).astype(np.float32))


def invented_patterns(labels: np.ndarray, last: Regions, field: tuple[float, float], appears: str) -> LayerPatterns:
    """Two patterns of each class that has reliable regions: those of even places and those of odd ones."""
    owner = np.full(last.reliable.shape, -1)
    entries = []
    for label, odd in ((label, odd) for label in range(int(labels.max()) + 1) for odd in (0, 1)):
        own = last.reliable & (labels == label)[:, None] & (np.arange(owner.shape[1]) % 2 == odd)
        if not own.any():
            continue
        owner[own] = len(entries)
        share = (0.6, 0.5, 0.7) if odd == 0 else (0.4, 0.3, 0.5)
        fall = PatternFall(9, 0.9, (0.05, 0.02, 0.08), (0.02, 0.0, 0.04), (0.0, -0.01, 0.01), odd == 0, True)
        entries.append(
            PatternEntry(
                label=label,
                number=odd + 1,
                name="a part" if label == 0 and odd else None,
                regions=int(own.sum()),
                images=int(own.any(axis=1).sum()),
                share=share,
                stability=0.9,
                chance=0.2,
                specific=(0.5, 0.4, 0.6),
                prior=0.1,
                refits=0.95,
                appears=appears,
                shared=(((label + 1) % 10, 0.125),) if odd else (),
                fall=fall if odd == 0 else None,
                typical=np.argwhere(own)[:8],
            )
        )
    return LayerPatterns(owner, tuple(entries), field)


def _evidence(counted: list[Regions]) -> dict:
    """Evidence with made-up intervals, a fifth more of it readable, and little by chance."""
    bits = np.array([each.bits.mean() for each in counted])
    told = bits[:, None, None] * np.array([[1.0], [1.2]]) + np.array([0.0, -0.05, 0.05])
    chance = np.broadcast_to(np.array([0.01, 0.0, 0.02]), (2, 4, 3)) * np.array([1.0, 2.0])[:, None, None]
    return {"evidence": told, "refits": REFITS, "chance": chance}


def invent(
    *,
    images: int = 60,
    classes: int = 10,
    dimensions: int = 3,
    steps: int = 4,
    layers: int = 2,
    grid: tuple[int, int] = (4, 6),
    side: int = 32,
    attack: bool = True,
    model: bool = True,
    importance: bool = True,
    calibrated: bool = True,
    patterns: bool = True,
    seed: int = 0,
) -> AtlasContent:
    """Return an invented atlas; layers have the given grid, the first of several a coarser one."""
    rng = np.random.default_rng(seed)
    names = tuple(f"conv_{each + 2}3" for each in range(layers))
    labels = np.arange(images) % classes
    mu = directions(classes, dimensions, rng)
    pixels = pictures(labels, side, rng)

    def condition(key: str, name: str, kind, growth: list[float], steps_, **others) -> Condition:
        astray = others.pop("astray", None)
        others_of_layers = others.pop("trajectory", None)
        found = {}
        for depth, layer in enumerate(names):
            size = grid if depth else (max(1, grid[0] // 2), max(1, grid[1] // 2)) if layers > 1 else grid
            made = invent_layer(
                labels,
                mu,
                size,
                [each * (depth + 1) / layers for each in growth],
                seed + depth,
                importance=importance and kind == "training",
                astray=astray,
                calibrated=calibrated,
            )
            if kind != "training":
                paths = None
                if others_of_layers:
                    paths = np.random.default_rng(depth).integers(0, 5, (images, size[0] * size[1]))
                training = ("class_counts", "emerged", "evidence", "refits", "chance")
                made = replace(made, trajectory=paths, features=lambda: None, **dict.fromkeys(training))
            elif patterns and depth and steps > 1:
                last = made.regions(len(growth) - 1)
                seen = 3.0 * side / size[0], 3.0 * side / size[1]
                made = replace(made, patterns=invented_patterns(labels, last, seen, steps_[-2].label))
            found[layer] = made
        sample = np.stack([3 * each * mu[labels] for each in growth]) + rng.normal(
            scale=0.4, size=(len(growth), images, dimensions)
        )
        chosen = np.where(rng.random((len(growth), images)) < 0.9, labels, (labels + 1) % classes)
        certainty = np.random.default_rng(seed).uniform(0.3, 1.0, chosen.shape)
        given = {"certainty": certainty, **others}
        return Condition(key, name, kind, steps_, np.stack([mu] * len(growth)), sample, chosen, found, **given)

    numbers = [round(1000 * (2**each - 1) / max(1, 2 ** (steps - 1) - 1)) for each in range(steps)]
    checkpoints = tuple(
        Step(f"step {number}", number, 0.1 + 0.85 * each / max(1, steps - 1), *((0.2, 1.5) if each else ()))
        for each, number in enumerate(numbers)
    )
    grown = [0.1 + 0.9 * each / max(1, steps - 1) for each in range(steps)] if steps > 1 else [1.0]
    conditions = [condition("training", "Training", "training", grown, checkpoints)]
    if attack:
        noise = np.random.default_rng(seed).choice([-8, 8], (*pixels.shape[:2], 2, 2))
        changed = np.kron(noise, np.ones((side // 2, side // 2), int))
        moved = [(pixels.astype(int) + share * changed // 4).clip(0, 255).astype(np.uint8) for share in (0, 1, 3, 4)]
        attacked_pixels = moved[-1]
        attacked = tuple(Step(f"attack step {each}", each) for each in (0, 2, 4, 6))
        conditions.append(
            condition(
                "attack",
                "Attack",
                "attack",
                [1.0] * 4,
                attacked,
                astray=np.linspace(0, 1, 4),
                trajectory=True,
                targets=(labels + 1) % classes,
                attacked=rng.random(images) < 0.9,
                success=np.arange(images) % 3 > 0,
                images=attacked_pixels,
                perturbation=Perturbation.over(np.stack(moved)),
                note="Invented: each point walks to the next class.",
            )
        )
    if model:
        conditions.append(
            condition(
                "student-logits",
                "Student (logits)",
                "model",
                [0.7],
                (Step("end of training", None, 0.91),),
                note="Invented.",
            )
        )
    return AtlasContent(
        title=f"invented: {layers} layers, {steps} checkpoints, {images} images",
        classes=class_names(classes),
        layers=names,
        images=pixels,
        labels=labels,
        image_names=tuple(f"{ANIMALS[label % 10]}/{each:04d}.png" for each, label in enumerate(labels)),
        conditions=tuple(conditions),
        tau=threshold("auto", classes),
        kappa_max=KAPPA_MAX,
        most=_entropy(class_shares(torch.from_numpy(labels), classes)) if calibrated else None,
    )


def _entropy(shares: torch.Tensor) -> float:
    """In bits."""
    return float(-torch.xlogy(shares, shares).sum() / np.log(2))


def main() -> None:
    """Write an invented atlas into a new folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    for name, default in (("images", 200), ("classes", 10), ("dimensions", 3), ("steps", 8), ("layers", 4)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--grid", type=int, nargs=2, default=(8, 8), metavar=("H", "W"))
    parser.add_argument("--side", type=int, default=64, help="pixels a side of the images")
    parser.add_argument("--seed", type=int, default=0)
    for name in ("attack", "model", "importance", "calibrated", "patterns"):
        parser.add_argument(f"--no-{name}", dest=name, action="store_false")
    given = vars(parser.parse_args())
    folder = given.pop("folder")
    write_store(folder, invent(**{**given, "grid": tuple(given["grid"])}))


if __name__ == "__main__":
    main()
