"""What the cost of a unit depends on: the sizes of a study and the speed of a machine (docs/scaling.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Cost

NUMBER = 4  # bytes of a float32
# Share of an image's regions that carry its weight, between all of an untrained network's and a fifth.
WEIGHTY = 0.5
CALL = 2e-4  # seconds of an evaluation that has next to nothing to do
HELD = 4 * 64 * 2**20  # bytes of the blocks in which estimators work
BLOCK = 2 * NUMBER * 2**25  # bytes of a block of features, and of what is computed of it
TRAIN_PASSES = 2.5  # forward passes that a step of a training or of an attack costs per image
# The search for the best of many scores costs as much as so many channels of the product that makes them.
_SEARCH_CHANNELS = 40

__all__ = [
    "BLOCK",
    "CALL",
    "HELD",
    "NUMBER",
    "TRAIN_PASSES",
    "WEIGHTY",
    "Cost",
    "Facts",
    "fitted_facts",
    "match_operations",
]


@dataclass(frozen=True)
class Facts:
    """What the cost of a study depends on besides its settings.

    Attributes:
        samples, held_out, train: numbers of images. numbers: those of one image, channels x side^2.
        classes: c. dimensions: e. features: d of the sample feature. weights: numbers of the network.
        activations: numbers of all its outputs for one image, which gradients need. largest: of the three largest,
            which it holds at once without gradients. at_once: images of a batch that is recorded.
        layers: (k, r) of each layer. checkpoints: their number.
        products: operations per second of a matrix product. copies: bytes per second read and written by a copy.
        forward: seconds of the network's forward pass for one image.
    """

    samples: int
    held_out: int
    train: int
    numbers: int
    classes: int
    dimensions: int
    features: int
    weights: int
    activations: int
    largest: int
    at_once: int
    layers: Mapping[str, tuple[int, int]]
    checkpoints: int
    products: float
    copies: float
    forward: float

    @property
    def regions(self) -> int:
        """Regions of all layers together."""
        return sum(r for _, r in self.layers.values())

    def regional_bytes(self, layer: str | None = None) -> int:
        """Return the bytes of the regional features, n k r numbers, of one layer or of all."""
        chosen = self.layers.values() if layer is None else [self.layers[layer]]
        return NUMBER * self.samples * sum(k * r for k, r in chosen)


def fitted_facts(facts: Facts, settings: StudySettings) -> Facts:
    """Return the sizes of the part of a study that maps are fitted to; the same object where that is all."""
    most = settings.images.fit_samples
    return facts if facts.samples <= most else replace(facts, samples=most)


def match_operations(n: int, m: int, regions: float, r: int, k: int) -> float:
    """Return the operations of matching `regions` regions of n anchors with m + 1 candidates, the search included."""
    return 2 * n * (m + 1) * regions * r * (k + _SEARCH_CHANNELS)
