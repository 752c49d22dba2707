"""The analysis of one new image by the maps of a study."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class NearRegion:
    """A region of an analysed image: image, region, class, and the distance of its embedding.

    distance: in units of the layer's mean strength. pixels: the image (channels, h, w) uint8.
    """

    sample: int
    region: int
    label: str
    distance: float
    pixels: Tensor


@dataclass(frozen=True)
class FoundPattern:
    """A pattern of the study that a new image has: more of its regions are like it than unreliable regions elsewhere.

    `title`: the user's name, or class and number. regions: the number that are like it. expected: the number by chance,
    the pattern's `background` times the regions of an image.
    """

    class_name: str
    number: int
    title: str
    regions: int
    expected: float


@dataclass(frozen=True)
class LookedLayer:
    """One layer on a new image, which none of its maps has seen.

    Attributes:
        layer: its name. grid: (h, w), r = h w.
        probability: calibrated, of each class at each region, all classes equally likely beforehand (r, c) float64.
        evidence: of each class, log2 p(c | h) / pi_c, a mean over regions, in bits per region (c,) float64.
        points: which regions are knowledge points, of any class (r,) bool.
        region: the one with the highest probability of the class that the network predicts.
        near: the nearest regions in the layer's embedding, of different images, the nearest first.
        patterns: those that the image has, the one with most regions first; None if the study has no [patterns], or has
            not kept the features of the layer.
    """

    layer: str
    grid: tuple[int, int]
    probability: Tensor
    evidence: Tensor
    points: Tensor
    region: int
    near: tuple[NearRegion, ...]
    patterns: tuple[FoundPattern, ...] | None = None

    @property
    def most_likely(self) -> int:
        """The class for which the layer has the most evidence."""
        return int(self.evidence.argmax())


@dataclass(frozen=True)
class Look:
    """One new image through the network and all maps of a study, at its last checkpoint.

    Attributes:
        pixels: the image as the study sees images (channels, h, w) uint8. classes: names by label.
        probability: the network's own (c,) float64. layers: shallow to deep.
    """

    pixels: Tensor
    classes: list[str]
    probability: Tensor
    layers: tuple[LookedLayer, ...]

    @property
    def predicted(self) -> int:
        """The class that the network predicts."""
        return int(self.probability.argmax())

    def rows(self) -> list[dict[str, str | float | int]]:
        """Return a row per layer: the class with the most evidence, its evidence, and that of the predicted class."""
        return [
            {
                "layer": layer.layer,
                "class": self.classes[layer.most_likely],
                "bits": float(layer.evidence[layer.most_likely]),
                "predicted": self.classes[self.predicted],
                "bits_of_predicted": float(layer.evidence[self.predicted]),
                "points": int(layer.points.sum()),
                "nearest": ", ".join(near.label for near in layer.near),
            }
            for layer in self.layers
        ]
