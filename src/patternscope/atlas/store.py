"""Writing an atlas as a zarr store; docs/atlas-format.md describes each array."""

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patternscope.atlas.contents import AtlasContent, Condition
from patternscope.atlas.sprites import IMAGE_BYTES
from patternscope.atlas.store_arrays import NONE, StoreWriter, clear_times
from patternscope.atlas.store_layers import Space, write_counts, write_emergence, write_layer
from patternscope.radial.kappa import concentration_per_strength

# Version 1 had no temperature: its probabilities are those of unscaled positions. Up to version 2 integers were not
# in planes of bytes, and positions were along the axes that were drawn.
FORMAT, VERSION = "patternscope-atlas", 3
_NODES = 513  # of the table of concentrations: relative error below 4e-5 between them

Report = Callable[[float, str], None]


def write_store(
    folder: Path, content: AtlasContent, report: Report = lambda fraction, text: None, image_bytes: float = IMAGE_BYTES
) -> None:
    """Write an atlas into `folder`, which is created, as a zarr v3 group with consolidated metadata.

    The images of a condition are reduced until they take about `image_bytes` at most. The same content gives the same
    bytes. Only one step of one layer is in memory at a time.
    """
    import zarr

    group = zarr.open_group(folder, mode="w-", zarr_format=3)
    writer = StoreWriter(group)
    writer.put("labels", content.labels, "<u2")
    writer.put_bytes("image_names", json.dumps(content.image_names, ensure_ascii=False).encode())
    writer.put_sprites("thumbnails", content.images, image_bytes)
    # Names of layers may contain any character, so their keys are their indices.
    keys = {name: str(place) for place, name in enumerate(content.layers)}
    work = sum(len(condition.steps) * len(condition.layers) for condition in content.conditions)
    space = Space.of(content)
    done, reach = 0, 1.0
    for condition in content.conditions:
        _write_condition(writer, condition)
        _write_pictures(writer, condition, image_bytes)
        for name, layer in condition.layers.items():
            path = f"layers/{keys[name]}/{condition.key}"
            for strength in write_layer(writer, path, condition, layer, space):
                done, reach = done + 1, max(reach, strength)
                report(done / work, f"{condition.name}, {name}")
            write_counts(writer, path, layer)
            if layer.emerged is not None:
                write_emergence(writer, path, layer.emerged, content)
    clear_times(folder)
    group.attrs.update(_attributes(content, keys, reach))
    with warnings.catch_warnings():
        # Consolidated metadata is an extension that zarr-python and zarrita agree on; it warns of that.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(folder)


def _write_condition(writer: StoreWriter, condition: Condition) -> None:
    """Write the arrays of a condition other than its layers and its pictures."""
    path = f"conditions/{condition.key}"
    writer.put(f"{path}/direction", condition.direction, "<f4", steps=True)
    writer.put_planes(f"{path}/sample_position", condition.sample_position)
    writer.put(f"{path}/predictions", condition.predictions, "<u2", steps=True)
    if condition.certainty is not None:
        writer.put(f"{path}/certainty", np.rint(65535 * condition.certainty), "<u2", steps=True)
    if condition.targets is not None:
        writer.put(f"{path}/targets", np.where(condition.targets < 0, NONE, condition.targets), "<u2")
    if condition.attacked is not None and condition.success is not None:
        writer.put(f"{path}/outcome", condition.attacked + 2 * condition.success.astype(np.uint8), "|u1")


def _write_pictures(writer: StoreWriter, condition: Condition, image_bytes: float) -> None:
    """Write the images after an attack, and its changes at the last step and before."""
    path, perturbation = f"conditions/{condition.key}", condition.perturbation
    if condition.images is not None:
        writer.put_sprites(f"{path}/thumbnails", condition.images, image_bytes)
    if perturbation is not None:
        factor = perturbation.factor
        writer.put_sprites(f"{path}/perturbation", perturbation.last, image_bytes, factor=factor)
        between = perturbation.between_steps
        for step, images in enumerate(between, 1):
            writer.put_sprites(f"{path}/changes/{step}", images, image_bytes / len(between), coarse=True, factor=factor)


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
        "evidence": None if content.most is None else {"most": content.most, "against": content.against},
        "emerges": "points" if content.most is None else "evidence",
        "networks": content.networks,
        "layers": [{"key": keys[name], "name": name, "grid": list(grids[name])} for name in content.layers],
        "conditions": [_condition_entry(condition, keys) for condition in content.conditions],
        "aligned": content.aligned,
        "concentration": _concentration_table(content.kappa_max, dimensions, reach),
        "left_out": list(content.omitted),
    }


def _condition_entry(condition: Condition, keys: dict[str, str]) -> dict[str, Any]:
    """A condition as listed in the root's attributes."""
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
