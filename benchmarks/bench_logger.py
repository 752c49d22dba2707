"""What measuring evidence during a training costs, and what its warnings say of good and bad trainings.

    python benchmarks/bench_logger.py cost [STEPS [BUDGET [SEEDS]]]
    python benchmarks/bench_logger.py warnings [STEPS [SEEDS]]

vgg16_slim on pictograms of 64 pixels, batches of 64; 200 images that it is not trained on, four layers at a grid of 4.
`cost` trains two networks that are alike, one with the logger, ten steps of either in turn, so that both meet the same
load, and counts the seconds of the processor. `warnings` trains as it should be, with a learning rate of 0, with
labels permuted over the images, and on 20 images per class until it has learnt them by heart.
"""

import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from measuring import row
from torch import Tensor, nn

from patternscope.callback import EvidenceLogger, Reading
from patternscope.images import open_images
from patternscope.networks import Normalised, build_network

LAYERS = ("conv_22", "conv_33", "conv_43", "conv_53")
SIDE, BATCH, UNSEEN, IN_TURN = 64, 64, 20, 10


def pictures(per_class: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    found = open_images("pictograms", image_size=SIDE, train_per_class=per_class, test_per_class=UNSEEN)
    return tuple((part.batch(torch.arange(len(part))), part.labels) for part in (found.train, found.test))


class OwnTime:
    """Seconds of the processor while a block runs, over all blocks: a clock of one of several trainings."""

    def __init__(self) -> None:
        self._spent, self._start = 0.0, None

    def __call__(self) -> float:
        return self._spent + (0.0 if self._start is None else time.process_time() - self._start)

    def __enter__(self) -> None:
        self._start = time.process_time()

    def __exit__(self, *_: object) -> None:
        self._spent, self._start = self(), None


def train(
    images: Tensor, labels: Tensor, logger: EvidenceLogger | None, steps: int, rate: float, seed: int
) -> Iterator[int]:
    """Train, and yield the number of each step once it is done and measured."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = Normalised(build_network("vgg16_slim", classes=10, image_size=SIDE), mean=0.5, std=0.25).train()
    drawn = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    correct = 0.1
    if logger:
        logger(network, 0)
    for step in range(1, steps + 1):
        batch = torch.randint(len(images), (BATCH,), generator=drawn)
        logits = network(images[batch].float() / 255)
        loss = nn.functional.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        correct = 0.95 * correct + 0.05 * float((logits.argmax(dim=1) == labels[batch]).float().mean())
        if logger:
            logger(network, step, correct)
        yield step


def cost(steps: int = 300, budget: float = 0.05, seeds: int = 2) -> None:
    (images, labels), unseen = pictures(200)
    # What only a first step does, such as choosing kernels, is nobody's.
    list(train(images, labels, None, 3, 1e-3, 0))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            clocks = (OwnTime(), OwnTime())
            log = {"to": Path(folder, f"{seed}.jsonl"), "every": 20, "budget": budget, "clock": clocks[0]}
            logger = EvidenceLogger(*unseen, LAYERS, **log)
            both = [train(images, labels, each, steps, 1e-3, seed) for each in (logger, None)]
            for turn in range(steps // IN_TURN):
                for own in (0, 1) if turn % 2 else (1, 0):
                    with clocks[own]:
                        list(islice(both[own], IN_TURN))
            logged, plain = (clock() for clock in clocks)
            found = f"{len(logger.readings)} measurements, {logger.spent / len(logger.readings):.2f} s each"
            row(
                f"{steps} steps, seed {seed}, budget {budget:.0%}",
                f"{logged / plain - 1:.1%} more; {logger.share:.1%} by its own clock",
                f"{logged:.1f} s of the processor; {found}",
                f"{plain:.1f} s",
            )


def first_warnings(readings: list[Reading]) -> str:
    return " / ".join(sentence for reading in readings for sentence in reading.warnings) or "nothing"


def warned(steps: int = 400, seeds: int = 3) -> None:
    (images, labels), unseen = pictures(200)
    few = torch.cat([(labels == number).nonzero().flatten()[:20] for number in range(10)])
    for seed in range(seeds):
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
        trainings = {
            "as it should be": (images, labels, 1e-3),
            "learning rate 0": (images, labels, 0.0),
            "permuted labels": (images, labels[order], 1e-3),
            "20 images per class": (images[few], labels[few], 1e-3),
        }
        for name, (shown, own, rate) in trainings.items():
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                logger = EvidenceLogger(*unseen, LAYERS, to=Path(folder, "log"), every=steps // 10, budget=1.0)
                list(train(shown, own, logger, steps, rate, seed))
            bits = ", ".join(f"{reading.evidence['conv_53'].bits:.2f}" for reading in logger.readings)
            row(f"{name}, seed {seed}", f"{logger.readings[-1].accuracy:.2f}", bits, first_warnings(logger.readings))


if __name__ == "__main__":
    what, *numbers = sys.argv[1:] or ["cost"]
    if what == "cost":
        cost(*map(int, numbers[:1]), *map(float, numbers[1:2]), *map(int, numbers[2:]))
    else:
        warned(*map(int, numbers))
