"""The quantities of cost formulas: the sizes of a study and the speed of a machine (docs/scaling.md)."""

from collections.abc import Mapping
from dataclasses import dataclass

from patternscope.workflow.stages import Cost

NUMBER = 4  # bytes of a float32
# Share of an image's regions that carry its weight, between all of an untrained network's and a fifth.
WEIGHTY = 0.5
CALL = 1e-3  # seconds of an evaluation with almost no work
HELD = 4 * 64 * 2**20  # bytes of the blocks in which estimators work
RESAMPLING = 4.5e-7  # seconds per image and resample of a count with its interval
TRAIN_PASSES = 3.0  # forward passes that a step of a training or of an attack costs per image
# The search for the best of many scores costs as much as this many channels of their product.
_SEARCH_CHANNELS = 22

__all__ = ["CALL", "HELD", "NUMBER", "RESAMPLING", "TRAIN_PASSES", "WEIGHTY", "Cost", "Facts", "match_operations"]


@dataclass(frozen=True)
class Facts:
    """The quantities, other than settings, on which the cost of a study depends.

    Attributes:
        samples, held_out, train: numbers of images. fitted: samples that maps are fitted to.
        numbers: those of one image, channels x side^2.
        classes: c. dimensions: e. features: d of the sample feature. weights: numbers of the network.
        activations: numbers of all its outputs for one image, which gradients need. largest: of the three largest,
            which it holds at once without gradients. at_once: images of a batch that is recorded.
        layers: (k, r) of each layer. checkpoints: their number.
        products: operations per second of a matrix product. copies: bytes per second read and written by a copy.
        forward: seconds of the network's forward pass for one image.
    """

    samples: int
    fitted: int
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

    def fitted_bytes(self, layer: str | None) -> int:
        """Return the bytes of the regional features of a layer that maps are fitted to."""
        return self.regional_bytes(layer) * self.fitted // self.samples


def match_operations(n: int, m: int, regions: float, r: int, k: int) -> float:
    """Return the operations of matching `regions` regions of n anchors with m + 1 candidates, the search included."""
    return 2 * n * (m + 1) * regions * r * (k + _SEARCH_CHANNELS)
