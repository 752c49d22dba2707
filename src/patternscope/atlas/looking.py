"""The answer to a notebook's view about a picture that was dropped on it."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.results.images import visible_channels
from patternscope.results.look import Look, LookedLayer
from patternscope.results.study import open_results


def look_answer(
    study: Path, look: Callable[[bytes], Look], buffers: Sequence[Any]
) -> tuple[dict[str, Any], list[bytes]]:
    """Return an answer to a view, and the picture as the study sees it (PNG).

    `buffers` is one, the bytes of a file. For an unusable picture, the answer has one sentence under "error".
    """
    if len(buffers) != 1:
        return {"error": f"image: expected one picture, got {len(buffers)}"}, []
    try:
        found = look(bytes(buffers[0]))
    except InputError as error:
        return {"error": str(error)}, []
    rows = open_results(study).images.fitted_rows
    return {"look": _told(found, None if rows is None else rows.tolist())}, [_png(found.pixels)]


def _told(found: Look, drawn: list[int] | None) -> dict[str, Any]:
    """The results, with classes by label and images by their indices in the atlas."""
    return {
        "predicted": found.predicted,
        "probability": float(found.probability[found.predicted]),
        "layers": [_layer(found, layer, drawn) for layer in found.layers],
    }


def _layer(found: Look, layer: LookedLayer, drawn: list[int] | None) -> dict[str, Any]:
    """The results of a layer; an image that the atlas does not draw is None."""
    places = None if drawn is None else {sample: place for place, sample in enumerate(drawn)}
    return {
        "layer": layer.layer,
        "grid": list(layer.grid),
        "most": layer.most_likely,
        "bits": float(layer.evidence[layer.most_likely]),
        "bits_of_predicted": float(layer.evidence[found.predicted]),
        "points": int(layer.points.sum()),
        "probability": [round(p, 4) for p in layer.probability[:, found.predicted].tolist()],
        "region": layer.region,
        "near": [
            {
                "image": near.sample if places is None else places.get(near.sample),
                "region": near.region,
                "label": found.classes.index(near.label),
                "distance": near.distance,
            }
            for near in layer.near
        ],
        "patterns": layer.patterns
        and [{"title": each.title, "regions": each.regions, "expected": each.expected} for each in layer.patterns],
    }


def _png(pixels: Tensor) -> bytes:
    """A picture (channels, h, w) uint8 as a file."""
    shown = visible_channels(pixels[None].numpy())[0]
    image = Image.fromarray(shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
