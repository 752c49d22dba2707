"""Writing an atlas as a zarr store; docs/atlas-format.md describes each array."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from patternscope.atlas.contents import AtlasContent, Condition, LayerContent, Regions
from patternscope.atlas.sprites import sprites
from patternscope.knowledge.emergence import NEVER, class_appearance, first_appearance
from patternscope.radial.kappa import concentration_per_strength

if TYPE_CHECKING:
    import zarr

FORMAT, VERSION = "patternscope-atlas", 1
_NEVER = 65535  # for -1, which unsigned integers lack
_NODES = 513  # of the table of concentrations: relative error below 4e-5 between them
_LEVEL = 6  # of gzip
_GZIP = b"\x1f\x8b"
_LARGEST = {"<i2": 32767, "|u1": 255}

Report = Callable[[float, str], None]


def write_store(folder: Path, content: AtlasContent, report: Report = lambda fraction, text: None) -> None:
    """Write an atlas into `folder`, which is created, as a zarr v3 group with consolidated metadata.

    The same content gives the same bytes. One step of one layer is held in memory at a time.
    """
    import zarr

    group = zarr.open_group(folder, mode="w-", zarr_format=3)
    writer = _Writer(group)
    writer.put("labels", content.labels, "<u2")
    writer.put_bytes("image_names", json.dumps(content.image_names, ensure_ascii=False).encode())
    writer.put_sprites("thumbnails", content.images)
    # Names of layers may hold any character, so that their keys are their places.
    keys = {name: str(place) for place, name in enumerate(content.layers)}
    work = sum(len(condition.steps) * len(condition.layers) for condition in content.conditions)
    done, reach = 0, 1.0
    for condition in content.conditions:
        _write_condition(writer, condition)
        for name, layer in condition.layers.items():
            path = f"layers/{keys[name]}/{condition.key}"
            for strength in _write_layer(writer, path, condition, layer, len(content.classes)):
                done, reach = done + 1, max(reach, strength)
                report(done / work, f"{condition.name}, {name}")
            _write_counts(writer, path, layer)
            if layer.emerged is not None:
                _write_emergence(writer, path, layer.emerged, content)
    _clear_times(folder)
    group.attrs.update(_attributes(content, keys, reach))
    with warnings.catch_warnings():
        # Consolidated metadata is an extension that zarr-python and zarrita agree on; it warns of that.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(folder)


def _clear_times(folder: Path) -> None:
    """gzip notes when it was called; the same content must give the same bytes."""
    for path in folder.rglob("c/**/*"):
        if path.is_file():
            with path.open("r+b") as file:
                if file.read(2) == _GZIP:
                    file.seek(4)
                    file.write(bytes(4))


class _Writer:
    """Puts arrays into a group, so that equal arrays are equal bytes."""

    def __init__(self, group: "zarr.Group") -> None:
        self.group = group

    def make(self, name: str, shape: tuple[int, ...], dtype: str, *, steps: bool) -> "zarr.Array[Any]":
        """Make an array that is written later, in a chunk per step or in one."""
        from zarr.codecs import GzipCodec

        chunks = (1, *shape[1:]) if steps else shape
        return self._create(name, shape, chunks, np.dtype(dtype), compressors=GzipCodec(level=_LEVEL))

    def put(self, name: str, values: np.ndarray, dtype: str, *, steps: bool = False) -> None:
        """Write a whole array."""
        self.make(name, values.shape, dtype, steps=steps)[...] = values.astype(dtype)

    def put_scaled(self, name: str, values: np.ndarray, dtype: str) -> None:
        """Write values (t, ...) as integers, each step with its scale."""
        array = self.make(name, values.shape, dtype, steps=True)
        array.attrs["scale"] = [_put_step(array, step, row) for step, row in enumerate(values)]

    def put_bytes(self, name: str, content: bytes, **attributes: Any) -> None:
        """Write bytes as they are."""
        values = np.frombuffer(content, np.uint8)
        options = {"compressors": None, "attributes": attributes}
        self._create(name, values.shape, values.shape, values.dtype, **options)[...] = values

    def put_sprites(self, name: str, images: np.ndarray) -> None:
        """Write sprites of many small images."""
        for place, (content, attributes) in enumerate(sprites(images)):
            self.put_bytes(f"{name}/{place}", content, **attributes)

    def _create(
        self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: np.dtype, **options: Any
    ) -> "zarr.Array[Any]":
        # A chunk of zeros is written too: a missing one is damage.
        config: Any = {"write_empty_chunks": True}
        return self.group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=0, config=config, **options
        )


def _put_step(array: "zarr.Array[Any]", step: int, values: np.ndarray) -> float:
    """Write values as the step's integers and return the scale that gives them back.

    The largest absolute value takes the whole range: ``integer = round(value / scale)``.
    """
    limit = _LARGEST[array.dtype.str]
    scale = float(np.abs(values).max(initial=0.0)) / limit or 1.0
    array[step] = np.rint(values / scale).astype(array.dtype).reshape(array.shape[1:])
    return scale


def _write_condition(writer: _Writer, condition: Condition) -> None:
    """Write what a condition has apart from its layers."""
    path = f"conditions/{condition.key}"
    writer.put(f"{path}/direction", condition.direction, "<f4", steps=True)
    writer.put_scaled(f"{path}/sample_position", condition.sample_position, "<i2")
    writer.put(f"{path}/predictions", condition.predictions, "<u2", steps=True)
    if condition.targets is not None:
        writer.put(f"{path}/targets", np.where(condition.targets < 0, _NEVER, condition.targets), "<u2")
    if condition.attacked is not None and condition.success is not None:
        writer.put(f"{path}/outcome", condition.attacked + 2 * condition.success.astype(np.uint8), "|u1")
    if condition.images is not None:
        writer.put_sprites(f"{path}/thumbnails", condition.images)


def _write_layer(
    writer: _Writer, path: str, condition: Condition, layer: LayerContent, classes: int
) -> Iterator[float]:
    """Write the regions of a layer in a condition; yield the largest strength of each step when it is written."""
    n, steps, e = len(condition.predictions[0]), len(condition.steps), condition.direction.shape[2]
    r = layer.grid[0] * layer.grid[1]
    position = writer.make(f"{path}/position", (steps, n * r, e), "<i2", steps=True)
    arrays = {}
    for name in ("category", "confidence", "knowledge"):
        dtype = "<u2" if name == "category" and classes > 256 else "|u1"
        arrays[name] = writer.make(f"{path}/{name}", (steps, n * r), dtype, steps=True)
    importance, scales, weight_scales = None, [], []
    for step in range(steps):
        regions = layer.regions(step)
        scales.append(_put_step(position, step, regions.position))
        for name, values in _small_integers(regions).items():
            arrays[name][step] = values.astype(arrays[name].dtype).reshape(-1)
        if regions.importance is not None:
            if importance is None:
                importance = writer.make(f"{path}/importance", (steps, n, r), "|u1", steps=True)
            weight_scales.append(_put_step(importance, step, regions.importance))
        yield float(np.linalg.norm(regions.position, axis=-1).max(initial=0.0))
    position.attrs["scale"] = scales
    if importance is not None:
        importance.attrs["scale"] = weight_scales


def _small_integers(regions: Regions) -> dict[str, np.ndarray]:
    """What is stored of regions beside their positions."""
    return {
        "category": regions.category,
        "confidence": np.rint(regions.confidence * 255),
        "knowledge": regions.mask + 2 * regions.reliable.astype(np.uint8),
    }


def _write_counts(writer: _Writer, path: str, layer: LayerContent) -> None:
    """Write counts of a layer, the types of its trajectories under an attack, and directions of its own."""
    writer.put(f"{path}/counts", layer.counts, "<f4")
    if layer.direction is not None:
        writer.put(f"{path}/direction", layer.direction, "<f4", steps=True)
    if layer.class_counts is not None:
        writer.put(f"{path}/class_counts", layer.class_counts, "<f4")
    if layer.trajectory is not None:
        writer.put(f"{path}/trajectory", layer.trajectory.reshape(-1), "|u1")


def _write_emergence(writer: _Writer, path: str, emerged: np.ndarray, content: AtlasContent) -> None:
    """Write when each image, and each class, has its first reliable point."""
    first = first_appearance(torch.from_numpy(emerged))
    writer.put(f"{path}/first", np.where(first == NEVER, _NEVER, first), "<u2")
    medians = np.full(len(content.classes), np.nan)
    for appearance in class_appearance(first, torch.from_numpy(content.labels), len(emerged)):
        medians[appearance.label] = np.nan if appearance.median is None else appearance.median
    writer.put(f"{path}/class_first", medians, "<f4")


def _attributes(content: AtlasContent, keys: dict[str, str], reach: float) -> dict[str, Any]:
    """The attributes of the root."""
    dimensions = content.conditions[0].direction.shape[2]
    grids = {name: layer.grid for condition in reversed(content.conditions) for name, layer in condition.layers.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "created_by": "patternscope",
        "title": content.title,
        "n_images": len(content.labels),
        "image_size": list(content.images.shape[-2:]),
        "dimensions": dimensions,
        "classes": list(content.classes),
        "tau": content.tau,
        "layers": [{"key": keys[name], "name": name, "grid": list(grids[name])} for name in content.layers],
        "conditions": [_condition_entry(condition, keys) for condition in content.conditions],
        "aligned": content.aligned,
        "concentration": _concentration_table(content.kappa_max, dimensions, reach),
        "left_out": list(content.omitted),
    }


def _condition_entry(condition: Condition, keys: dict[str, str]) -> dict[str, Any]:
    """A condition as the root's attributes list it."""
    return {
        "key": condition.key,
        "name": condition.name,
        "kind": condition.kind,
        "steps": [asdict(step) for step in condition.steps],
        "layers": [keys[name] for name in condition.layers],
        "grids": {keys[name]: list(layer.grid) for name, layer in condition.layers.items()},
        "note": condition.note,
    }


def _concentration_table(kappa_max: float, dimensions: int, reach: float) -> dict[str, Any]:
    """kappa(l) / l at strengths evenly spaced in log(1 + l), from 0 to `reach`."""
    strength = torch.expm1(torch.linspace(0, np.log1p(reach), _NODES, dtype=torch.float64))
    values = concentration_per_strength(strength, kappa_max, dimensions).tolist()
    return {"kappa_max": kappa_max, "reach": reach, "values": [float(f"{value:.9g}") for value in values]}
