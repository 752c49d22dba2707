"""What a study on the disk says of regions, each image through the map that was fitted without it: image by image."""

from pathlib import Path

import torch
from torch import Tensor

from patternscope.knowledge import Temperatures
from patternscope.results.json_csv import read_json
from patternscope.tensor_files import read_tensors


def embed(region: Path, features: Tensor, images: Tensor | None = None) -> Tensor:
    """The embedding (m, r, e) of features (m, k, h, w) of some images, by default all, from a unit's folder."""
    folds, scale = read_tensors(region / "folds.safetensors"), read_json(region / "region.json")["scale"]
    chosen = torch.arange(len(features)) if images is None else images
    maps = [folds["fold_maps"][folds["unseen"][0, image]].double() for image in chosen]
    rows = [(each @ own.double().flatten(1)).T / scale for each, own in zip(maps, features, strict=True)]
    return torch.stack(rows).float()


def calibrated(study: Path, layer: str, images: Tensor | None = None, checkpoint: str = "01") -> dict:
    """What `find_knowledge_points` is asked for by the calibrated rule: strengths as they are, T by strength."""
    temperatures = stored(read_tensors(study / f"evidence/{checkpoint}/{layer}/evidence.safetensors"))
    return {"unit_strength": 1.0, "temperature": temperatures if images is None else temperatures.rows(images)}


def stored(arrays: dict[str, Tensor]) -> Temperatures:
    """The temperatures among the arrays of a file."""
    return Temperatures(arrays["temperature"], arrays["strong_temperature"], arrays["middle_strength"])
