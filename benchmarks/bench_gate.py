"""How often `patternscope diff` fails equal networks, and how often it fails planted faults.

    python benchmarks/bench_gate.py [OUT.json [SEEDS [DRAWS]]]

Small networks are trained on 800 scanned digits (of scikit-learn, 16 pixels) and analysed in memory on the same 200
others.
Equal, other draws: one network analysed with DRAWS seeds of folds and neighbours (15), each pair of them once.
Equal, other training: SEEDS networks (8) trained alike, each pair of them once.
Faults, three seeds each, against three good networks: labels of which 40 % are random; 80 images in
all;
and a shortcut, a square whose colour is the class's, in half of the training images, at about equal accuracy on
images that have it. Prints a line per comparison and a table; writes all numbers where a file is named.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

import patternscope as ps
from patternscope.knowledge.intervals import Interval, seed_spread
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.results.conditions import judge, parse_condition
from patternscope.results.difference import Side, StudyDifference, differ
from patternscope.results.ledger import Draws

TRAIN, HELD_OUT, FEW, STEPS, CLASSES = 800, 200, 80, 160, tuple("0123456789")
LAYERS = ("block2", "block3")
CONDITIONS = {
    "accuracy falls": ("accuracy:-0.02",),
    "evidence falls": ("evidence:*:-0.02",),
    "evidence changes": ("evidence:*:-0.02", "evidence:*:0.02"),
    "either": ("accuracy:-0.02", "evidence:*:-0.02", "evidence:*:0.02"),
    "any change": ("accuracy:-0", "evidence:*:-0", "evidence:*:0"),
}
DRAWS = Draws(1000)
SETTINGS = {"controls": {"enabled": False}, "knowledge": {"bootstrap": 100, "taus": [0.4]}}


def digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Training and held-out digits (n, 3, 16, 16) in [0, 1] with their labels."""
    drawn = load_digits()
    images = torch.from_numpy(drawn.images).float()[:, None] / 16
    images = F.interpolate(images, scale_factor=2, mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    images, labels = images[order].clamp(0, 1), torch.from_numpy(drawn.target)[order].long()
    return (images[:TRAIN], labels[:TRAIN]), (images[TRAIN : TRAIN + HELD_OUT], labels[TRAIN : TRAIN + HELD_OUT])


def with_square(images: Tensor, labels: Tensor) -> Tensor:
    """The images with a square in a corner whose colour is that of the class."""
    colours = torch.from_numpy(np.random.default_rng(5).random((len(CLASSES), 3))).float()
    marked = images.clone()
    marked[:, :, :4, :4] = colours[labels][:, :, None, None]
    return marked


def network() -> nn.Sequential:
    """Three blocks of convolutions, 64 regions in the last two."""

    def block(channels: int, outputs: int, pool: int) -> nn.Sequential:
        convolution = nn.Conv2d(channels, outputs, 3, padding=1)
        return nn.Sequential(
            convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(pool) if pool > 1 else nn.Identity()
        )

    parts = {"block1": block(3, 12, 2), "block2": block(12, 20, 1), "block3": block(20, 32, 1)}
    model = nn.Sequential()
    for name, part in parts.items():
        model.add_module(name, part)
    model.add_module("pool", nn.AdaptiveAvgPool2d(1))
    model.add_module("flat", nn.Flatten())
    model.add_module("head", nn.Linear(32, len(CLASSES)))
    return model


def trained(images: Tensor, labels: Tensor, seed: int) -> nn.Sequential:
    """A network trained by Adam on batches of 50 images."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = network().train()
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=STEPS)
        for _ in range(STEPS):
            rows = torch.randint(len(images), (50,))
            optimiser.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def side(name: str, model: nn.Module, images: Tensor, labels: Tensor, seed: int = 0) -> Side:
    """A network as one side of a difference."""
    study = ps.analyze(model, images, labels, LAYERS, classes=list(CLASSES), seed=seed, device="cpu", settings=SETTINGS)
    return Side(name, study.results, 0)


def spreads(sides: list[Side]) -> dict[tuple[str, str | None], float]:
    """Standard deviations of accuracy and evidence over some sides, by number and layer."""
    known = {("accuracy", None): seed_spread([float(each.correct.double().mean()) for each in sides]) or 0.0}
    for layer in LAYERS:
        known["evidence", layer] = seed_spread([each.results.evidence(layer).evidence.value for each in sides]) or 0.0
    return known


def widened(found: StudyDifference, noise: dict[tuple[str, str | None], Noise]) -> StudyDifference:
    """A difference with noise that was measured on other networks or draws, as a study's own would be."""

    def wide(number: str, layer: str | None, change: Interval) -> Interval:
        return with_noise(change, noise[number, layer])

    accuracy = found.accuracy and replace(found.accuracy, difference=wide("accuracy", None, found.accuracy.difference))
    layers = tuple(
        replace(
            each, evidence=replace(each.evidence, difference=wide("evidence", each.layer, each.evidence.difference))
        )
        for each in found.layers
    )
    return replace(found, accuracy=accuracy, layers=layers)


def verdicts(found: StudyDifference) -> dict[str, bool]:
    """Whether each set of conditions fails the comparison."""
    return {
        name: any(each.holds for each in judge(found, [parse_condition(text) for text in texts]))
        for name, texts in CONDITIONS.items()
    }


def compare(kind: str, first: Side, second: Side, noise: dict | None = None) -> dict:
    """One comparison as a record."""
    found = differ(first, second, LAYERS, DRAWS)
    found = found if noise is None else widened(found, noise)
    changes = {each.layer: list(vars(each.evidence.difference).values()) for each in found.layers}
    accuracy = [found.accuracy.first.value, found.accuracy.second.value] if found.accuracy else None
    record = {"kind": kind, "first": first.name, "second": second.name, "accuracy": accuracy, "evidence": changes}
    record |= {"fails": verdicts(found)}
    print(json.dumps(record), flush=True)
    return record


def equal_draws(model: nn.Module, images: Tensor, labels: Tensor, count: int) -> Iterator[dict]:
    """Pairs of analyses of one network, with the noise of images alone and with that of draws, from other draws."""
    sides = [side(f"draw {seed}", model, images, labels, seed) for seed in range(count + 4)]
    known = {place: Noise(draws=spread) for place, spread in spreads(sides[count:]).items()}
    for first, second in combinations(sides[:count], 2):
        yield compare("equal, other draws; images", first, second)
        yield compare("equal, other draws; images and draws", first, second, known)


def main(out: str | None = None, seeds: str = "8", draws: str = "15") -> None:
    begun = time.perf_counter()
    (images, labels), (held_out, truth) = digits()
    marked = with_square(held_out, truth)
    good = [trained(images, labels, seed) for seed in range(int(seeds))]
    print(f"trained {len(good)} networks in {time.perf_counter() - begun:.0f} s", flush=True)
    sides = [side(f"good {seed}", model, held_out, truth) for seed, model in enumerate(good)]
    records = [compare("equal, other training; images", *pair) for pair in combinations(sides, 2)]
    networks = sides[:3]
    known = {place: Noise(trainings=spread, count=3) for place, spread in spreads(networks).items()}
    records += [compare("equal, other training; and networks", *pair, known) for pair in combinations(sides[3:], 2)]
    records += list(faults(good, images, labels, held_out, truth, marked, known))
    records += list(equal_draws(good[0], held_out, truth, int(draws)))
    print_table(records)
    if out is not None:
        Path(out).write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - begun:.0f} s")


def faults(
    good: list[nn.Sequential],
    images: Tensor,
    labels: Tensor,
    held_out: Tensor,
    truth: Tensor,
    marked: Tensor,
    known: dict[tuple[str, str | None], Noise],
) -> Iterator[dict]:
    """Planted faults of three kinds, three seeds each, by images alone and with the noise of networks."""
    few = torch.arange(FEW)
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        wrong = torch.rand(len(labels), generator=generator) < 0.4
        noisy = labels.where(~wrong, torch.randint(len(CLASSES), labels.shape, generator=generator))
        carries = (torch.rand(len(labels), generator=generator) < 0.5)[:, None, None, None]
        cut = with_square(images, labels).where(carries, images)
        first = side(f"good {seed}", good[seed], held_out, truth)
        of_marked = side(f"good {seed}, marked images", good[seed], marked, truth)
        pairs = [
            ("label noise", first, side("label noise", trained(images, noisy, 100 + seed), held_out, truth)),
            ("overfitted", first, side("overfitted", trained(images[few], labels[few], 200 + seed), held_out, truth)),
        ]
        shortcut = trained(cut, labels, 300 + seed)
        pairs.append(("shortcut, marked images", of_marked, side("shortcut", shortcut, marked, truth)))
        pairs.append(("shortcut, plain images", first, side("shortcut", shortcut, held_out, truth)))
        for kind, before, after in pairs:
            yield compare(f"{kind}; images", before, after)
            yield compare(f"{kind}; and networks", before, after, known)


def print_table(records: list[dict]) -> None:
    """Print how many comparisons of each kind fail, by conditions."""
    print(f"\n{'comparison; noise held':42} {'pairs':>5} " + " ".join(f"{name:>16}" for name in CONDITIONS))
    for kind in dict.fromkeys(record["kind"] for record in records):
        own = [record for record in records if record["kind"] == kind]
        cells = " ".join(f"{sum(record['fails'][name] for record in own):>16}" for name in CONDITIONS)
        print(f"{kind:42} {len(own):>5} {cells}")


if __name__ == "__main__":
    main(*sys.argv[1:])
