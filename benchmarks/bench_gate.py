"""How often `patternscope diff` fails equal networks, and how often it fails planted faults, on studies on disk.

    python benchmarks/bench_gate.py [OUT.jsonl [SEEDS [DRAWS]]]

Small networks are trained on 800 scanned digits (of scikit-learn, 16 pixels) and analysed on the same 200 others; each
analysis is written as a study, and folders are compared as the command compares them.
Equal, other draws: one network analysed with DRAWS seeds of folds and neighbours (15), each pair of them once.
Equal, other training: SEEDS networks (8) trained alike, each pair of them once.
Ten faults of three kinds, three seeds each, against three good networks: random labels (10, 20, 40, 60 %), few images
(160, 80, 40), and a shortcut: a square whose colour is the class's, in 25, 50 or 100 % of the training images, judged
on images that have it and on images that do not. Prints a line per comparison and a table; appends each comparison to
a file where one is named.
"""

import json
import sys
import tempfile
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
from patternscope.results.difference import Side, StudyDifference
from patternscope.study.difference import diff_studies

TRAIN, HELD_OUT, STEPS, CLASSES = 800, 200, 160, tuple("0123456789")
RANDOM_LABELS, FEW, SQUARES = (0.1, 0.2, 0.4, 0.6), (160, 80, 40), (0.25, 0.5, 1.0)
LAYERS = ("block2", "block3")
CONDITIONS = {
    "accuracy falls": ("accuracy:-0.02",),
    "evidence falls": ("evidence:*:-0.02",),
    "evidence changes": ("evidence:*:-0.02", "evidence:*:0.02"),
    "either": ("accuracy:-0.02", "evidence:*:-0.02", "evidence:*:0.02"),
    "any change": ("accuracy:-0", "evidence:*:-0", "evidence:*:0"),
}
SETTINGS = {"controls": {"enabled": False}, "knowledge": {"bootstrap": 1000, "taus": [0.4]}}


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


class Studies:
    """Analyses of networks, written into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, model: nn.Module, images: Tensor, labels: Tensor, seed: int = 0) -> Path:
        """Analyse a network, and return the folder of its study."""
        folder = self._folder / name.replace(" ", "_")
        asked = {"classes": list(CLASSES), "seed": seed, "device": "cpu", "settings": SETTINGS}
        ps.analyze(model, images, labels, LAYERS, **asked).save(folder)
        return folder


def spreads(studies: list[Path]) -> dict[tuple[str, str | None], float]:
    """Standard deviations of accuracy and evidence over some studies, by number and layer."""
    sides = [Side(folder.name, ps.open_study(folder).results, 0) for folder in studies]
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


def compare(kind: str, first: Path, second: Path, noises: dict[str, dict | None], out: Path | None) -> list[dict]:
    """One comparison as a record for each noise that its intervals hold."""
    found, _ = diff_studies(first, second)
    accuracy = [found.accuracy.first.value, found.accuracy.second.value] if found.accuracy else None
    records = []
    for name, noise in noises.items():
        held = found if noise is None else widened(found, noise)
        changes = {each.layer: list(vars(each.evidence.difference).values()) for each in held.layers}
        record = {"kind": f"{kind}; {name}", "first": first.name, "second": second.name, "accuracy": accuracy}
        records.append(record | {"evidence": changes, "fails": verdicts(held)})
    text = "".join(json.dumps(record) + "\n" for record in records)
    print(text, end="", flush=True)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write(text)
    return records


def random_labels(labels: Tensor, share: float, seed: int) -> Tensor:
    """The labels, of which a share is drawn from all classes."""
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(len(labels), generator=generator) >= share
    return labels.where(kept, torch.randint(len(CLASSES), labels.shape, generator=generator))


def with_shortcut(images: Tensor, labels: Tensor, share: float, seed: int) -> Tensor:
    """The images, of which a share has the square of its class."""
    carries = torch.rand(len(labels), generator=torch.Generator().manual_seed(seed)) < share
    return with_square(images, labels).where(carries[:, None, None, None], images)


def faulty_trainings(images: Tensor, labels: Tensor, seed: int) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Ten faults: their names, and the images and labels of the training."""
    for share in RANDOM_LABELS:
        yield f"random labels, {share:.0%}", images, random_labels(labels, share, seed)
    for count in FEW:
        yield f"few images, {count}", images[:count], labels[:count]
    for share in SQUARES:
        yield f"shortcut, {share:.0%}", with_shortcut(images, labels, share, seed), labels


def main(out: str | None = None, seeds: str = "8", draws: str = "15") -> None:
    begun, file = time.perf_counter(), None if out is None else Path(out)
    (images, labels), (held_out, truth) = digits()
    marked, records = with_square(held_out, truth), []
    with tempfile.TemporaryDirectory() as folder:
        studies = Studies(Path(folder))
        good = [trained(images, labels, seed) for seed in range(int(seeds))]
        sides = [studies.write(f"good {seed}", model, held_out, truth) for seed, model in enumerate(good)]
        networks = {place: Noise(trainings=spread, count=3) for place, spread in spreads(sides[:3]).items()}
        noises = {"images": None, "and networks": networks}
        for seed in range(3):
            on_marked = studies.write(f"good {seed} marked", good[seed], marked, truth)
            for place, (kind, *shown) in enumerate(faulty_trainings(images, labels, seed)):
                model, name = trained(*shown, 100 * (place + 1) + seed), f"{kind} {seed}"
                plain = studies.write(name, model, held_out, truth)
                records += compare(f"{kind}, plain images", sides[seed], plain, noises, file)
                if kind.startswith("shortcut"):
                    other = studies.write(f"{name} marked", model, marked, truth)
                    records += compare(f"{kind}, marked images", on_marked, other, noises, file)
        for pair in combinations(range(int(seeds)), 2):
            held = noises if min(pair) > 2 else {"images": None}
            records += compare("equal, other training", sides[pair[0]], sides[pair[1]], held, file)
        drawn = [studies.write(f"draw {seed}", good[0], held_out, truth, seed) for seed in range(1, int(draws) + 5)]
        known = {place: Noise(draws=spread) for place, spread in spreads(drawn[int(draws) :]).items()}
        for pair in combinations(drawn[: int(draws)], 2):
            records += compare("equal, other draws", *pair, {"images": None, "and draws": known}, file)
    print_table(records)
    print(f"{time.perf_counter() - begun:.0f} s")


def print_table(records: list[dict]) -> None:
    """Print how many comparisons of each kind fail, by conditions."""
    print(f"\n{'comparison; noise held':42} {'pairs':>5} " + " ".join(f"{name:>16}" for name in CONDITIONS))
    for kind in dict.fromkeys(record["kind"] for record in records):
        own = [record for record in records if record["kind"] == kind]
        cells = " ".join(f"{sum(record['fails'][name] for record in own):>16}" for name in CONDITIONS)
        print(f"{kind:42} {len(own):>5} {cells}")


if __name__ == "__main__":
    main(*sys.argv[1:])
