"""Writing the layers of an atlas: regions step by step, and values of a layer as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from patternscope.atlas.contents import AtlasContent, Condition, LayerContent, Regions
from patternscope.atlas.store_arrays import NONE, StoreWriter, put_planes, put_step
from patternscope.atlas.store_patterns import write_patterns
from patternscope.knowledge.emergence import NEVER, class_appearance, first_appearance
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial.kappa import concentration_per_strength
from patternscope.results.evidence import temperature_fields

if TYPE_CHECKING:
    import zarr

# Drawing needs no finer coordinates than the first, as a fraction of the mean strength; probabilities to half a
# hundredth need none finer than the second, as a fraction of the inverse slope of a log probability.
_FINEST_DRAWN = 1 / 96
_FINEST_TOLD = 1 / 64
_BITS = 0.01  # one integer of evidence


@dataclass(frozen=True)
class Space:
    """The space of an atlas: its number of classes, and kappa(l) / l at l = 0."""

    classes: int
    slope: float

    @classmethod
    def of(cls, content: AtlasContent) -> Self:
        """Return the space of an atlas."""
        dimensions = content.conditions[0].direction.shape[2]
        at_origin = concentration_per_strength(torch.zeros(1).double(), content.kappa_max, dimensions)
        return cls(len(content.classes), float(at_origin))


def write_layer(
    writer: StoreWriter, path: str, condition: Condition, layer: LayerContent, space: Space
) -> Iterator[float]:
    """Write the regions of a layer in a condition.

    Yields for each step, once written, the largest strength of which a probability is computed.
    """
    arrays = _Arrays(writer, path, len(condition.steps), len(condition.predictions[0]), layer.grid)
    for step in range(len(condition.steps)):
        regions = layer.regions(step)
        finest = _finest(regions.temperatures, layer.unit, space.slope)
        arrays.put_planes("position", step, regions.position, finest)
        for name, values, dtype in _small_integers(regions, layer.refits, space.classes):
            arrays.put(name, step, values, dtype)
        if regions.bits is not None:
            arrays.put_planes("bits", step, regions.bits.clip(-32767 * _BITS, 32767 * _BITS), _BITS)
        if regions.importance is not None:
            arrays.put_scaled("importance", step, regions.importance, "|u1")
        if regions.temperatures is not None:
            known = temperature_fields(regions.temperatures).values()
            arrays.put("temperature", step, np.stack([values.numpy() for values in known], axis=1), "<f4")
        yield layer.unit * float(np.linalg.norm(regions.position, axis=-1).max(initial=0.0))
    arrays.describe(layer)


class _Arrays:
    """The arrays of a layer with an axis of steps, made when the first step is written."""

    def __init__(self, writer: StoreWriter, path: str, steps: int, images: int, grid: tuple[int, int]) -> None:
        self.writer, self.path, self.steps, self.images, self.grid = writer, path, steps, images, grid
        self.arrays: dict[str, zarr.Array[Any]] = {}
        self.scales: dict[str, list[float]] = {}

    def put(self, name: str, step: int, values: np.ndarray, dtype: str) -> None:
        """Write unscaled values of regions or of images."""
        array = self._array(name, values, dtype)
        array[step] = values.astype(dtype).reshape(array.shape[1:])

    def put_scaled(self, name: str, step: int, values: np.ndarray, dtype: str) -> None:
        """Write values as integers."""
        self.scales.setdefault(name, []).append(put_step(self._array(name, values, dtype), step, values))

    def put_planes(self, name: str, step: int, values: np.ndarray, least: float) -> None:
        """Write values of regions (n, r) or (n, r, e) as planes of bytes."""
        if name not in self.arrays:
            shape = (self.steps, self._points(), values.shape[2] if values.ndim > 2 else 1)
            self.arrays[name] = self.writer.make_planes(f"{self.path}/{name}", shape, self.grid)
        self.scales.setdefault(name, []).append(put_planes(self.arrays[name], step, values, least))

    def describe(self, layer: LayerContent) -> None:
        """Write scales and the meaning of the integers."""
        for name, scales in self.scales.items():
            self.arrays[name].attrs["scale"] = scales
        self.arrays["position"].attrs["unit"] = layer.unit
        if "stability" in self.arrays:
            self.arrays["stability"].attrs["refits"] = layer.refits

    def _array(self, name: str, values: np.ndarray, dtype: str) -> "zarr.Array[Any]":
        """The array of that name, a chunk per step; all except weights and temperatures have an axis of points."""
        if name not in self.arrays:
            shape = values.shape if name in ("importance", "temperature") else (self._points(),)
            self.arrays[name] = self.writer.make(f"{self.path}/{name}", (self.steps, *shape), dtype, steps=True)
        return self.arrays[name]

    def _points(self) -> int:
        return self.images * self.grid[0] * self.grid[1]


def _finest(temperatures: Temperatures | None, unit: float, slope: float) -> float:
    """The scale below which integers of a position carry no more information, in units of the layer's mean strength.

    A log probability changes by at most about ``unit slope / T`` per unit of position.
    """
    coolest = 1.0
    if temperatures is not None:
        coolest = min(float(temperatures.weak.min()), float(temperatures.strong.min()))
    return min(_FINEST_DRAWN, _FINEST_TOLD * coolest / (unit * slope))


def _small_integers(regions: Regions, refits: int | None, classes: int) -> Iterator[tuple[str, np.ndarray, str]]:
    """The unscaled arrays of regions: names, values and types."""
    yield "category", regions.category, "<u2" if classes > 256 else "|u1"
    yield "confidence", np.rint(regions.confidence * 255), "|u1"
    yield "knowledge", regions.mask + 2 * regions.reliable.astype(np.uint8), "|u1"
    if regions.stability is not None and refits is not None:
        yield "stability", np.rint(regions.stability * refits), "|u1"


def write_counts(writer: StoreWriter, path: str, layer: LayerContent) -> None:
    """Write counts and evidence of a layer, types of trajectories, codes of features, patterns, own directions."""
    trajectory = None if layer.trajectory is None else layer.trajectory.reshape(-1)
    for name, values, dtype in (
        ("counts", layer.counts, "<f4"),
        ("class_counts", layer.class_counts, "<f4"),
        ("evidence", layer.evidence, "<f4"),
        ("chance", layer.chance, "<f4"),
        ("trajectory", trajectory, "|u1"),
    ):
        if values is not None:
            writer.put(f"{path}/{name}", values, dtype)
    codes = layer.features()
    if codes is not None:
        about = {"share": codes.share, "step": len(layer.counts) - 1}
        writer.put(f"{path}/feature", codes.values.reshape(-1, codes.values.shape[-1]), "|u1", **about)
    if layer.patterns is not None:
        write_patterns(writer, path, layer.patterns)
    if layer.direction is not None:
        writer.put(f"{path}/direction", layer.direction, "<f4", steps=True)


def write_emergence(writer: StoreWriter, path: str, emerged: np.ndarray, content: AtlasContent) -> None:
    """Write when each image, and each class, emerges."""
    first = first_appearance(torch.from_numpy(emerged))
    drawn = first.numpy() if content.drawn is None else first.numpy()[content.drawn]
    writer.put(f"{path}/first", np.where(drawn == NEVER, NONE, drawn), "<u2")
    medians = np.full(len(content.classes), np.nan)
    labels = content.labels if content.all_labels is None else content.all_labels
    for appearance in class_appearance(first, torch.from_numpy(labels), len(emerged)):
        medians[appearance.label] = np.nan if appearance.median is None else appearance.median
    writer.put(f"{path}/class_first", medians, "<f4")
