"""One new image through the network and all maps of a study."""

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings.regional_objective import embed_in_unit
from patternscope.errors import InputError
from patternscope.images.readers.decoding import (
    UNREADABLE,
    PixelFormat,
    as_picture,
    load_picture,
    pixels_at_most,
    to_tensor,
)
from patternscope.knowledge.calibration import at_temperature, class_shares
from patternscope.networks import Normalised, record
from patternscope.networks.models.heads import load_head
from patternscope.radial import log_posterior
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import RegionResult
from patternscope.results.look import Look, LookedLayer, NearRegion
from patternscope.results.study import StoredResults, open_results
from patternscope.results.training import HEAD_FILE, NETWORK_FILE
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import rebuilt_network
from patternscope.study.look_patterns import patterns_in
from patternscope.study.network_factory import recording_options
from patternscope.study.run import saved_settings
from patternscope.workflow.stages import Unit


def look_at(folder: str | Path, image: Any, *, nearest: int = 4) -> Look:
    """Return the predictions of the network and the maps of a finished study for a new image.

    Each map of a layer was fitted without one fold of the study's images, and none has seen this one: probabilities are
    means over these maps, each calibrated as for the images of its own fold; embeddings likewise.

    Args:
        folder: of a study with evidence.
        image: a file or its bytes, a PIL image, an array (h, w, 3) or a tensor (channels, h, w) of bytes or of floats
            in [0, 1]; it is cut and resized as the study's images were.
        nearest: regions to look for in each layer, of as many images.

    Raises:
        InputError: no study, one without evidence or of another version, a file that is not a picture.

    Cost: one forward pass of the image, and a pass over the study's embeddings of each layer.
    """
    settings, _ = saved_settings(folder)
    results = open_results(folder)
    if not isinstance(results, StoredResults) or not results.has(EvidenceResult):
        raise InputError(f"{folder}: expected a finished study with evidence, got one without; run it again")
    if nearest < 1:
        raise InputError(f"nearest: expected 1 or more, got {nearest}")
    pixels = read_image(image, settings.images)
    model, names = _last_network(results, settings), results.layers(EvidenceResult)
    options = recording_options(settings.network)
    recording = record(model, pixels[None], names, settings.network.grid, **options)
    probability = torch.softmax(recording.logits[0].double(), dim=0)
    predicted = int(probability.argmax())
    layers = (
        _look_at_layer(results, settings, name, recording.regional_features[name], predicted, nearest) for name in names
    )
    return Look(pixels, list(results.classes), probability, tuple(layers))


def read_image(image: Any, images: ImagesSettings) -> Tensor:
    """Return an image in the study's format: uint8 (channels, size, size); InputError for anything but a picture."""
    size = PixelFormat(images.image_size, images.channels, images.resize, images.white, images.pixel_limit)
    if isinstance(image, bytes):
        return _decoded(BytesIO(image), "image", size)
    if not isinstance(image, str | PathLike):
        return to_tensor(as_picture(image, "image", size), size, "image")
    path = Path(image).expanduser()
    if not path.is_file():
        raise InputError(f"image: {str(path)!r} does not exist")
    return _decoded(path, f"image {str(path)!r}", size)


def _decoded(source: Path | BytesIO, name: str, size: PixelFormat) -> Tensor:
    """Return a picture's file as uint8 (channels, size, size)."""
    try:
        with pixels_at_most(size.pixel_limit):
            return to_tensor(load_picture(source), size, name)
    except InputError:
        raise
    except UNREADABLE as error:
        got = f"{str(source)!r} ({error})" if isinstance(source, Path) else f"bytes of something else ({error})"
        raise InputError(f"image: expected a picture that Pillow can read, got {got}") from error


def _last_network(results: StoredResults, settings: StudySettings) -> Normalised:
    """Return the network of the last checkpoint."""
    last = results.checkpoints(RegionResult)[-1]
    folder = results.folders[Unit("training", last)]
    head = load_head(folder / HEAD_FILE) if (folder / HEAD_FILE).is_file() else None
    return rebuilt_network(settings.network, settings.images, len(results.classes), head, folder / NETWORK_FILE)


def _look_at_layer(
    results: StoredResults, settings: StudySettings, name: str, regional: Tensor, predicted: int, nearest: int
) -> LookedLayer:
    """Return the evidence of a layer in features (1, k, h, w)."""
    region, told, labels = results.region(name), results.evidence(name), results.images.labels
    mu, shares = results.sample().mean_directions, class_shares(labels, len(results.classes))
    by_map, telling, calm = [], [], []
    for number, image in _maps_with_an_image(region):
        h = embed_in_unit((region.map if number is None else region.fold_maps[number]), regional, region.scale)
        scores, strength = log_posterior(h, mu, settings.region.kappa_max), torch.linalg.vector_norm(h, dim=-1)
        rows = torch.tensor([image])
        by_map.append(h[0])
        telling.append(at_temperature(scores, told.temperatures.rows(rows).of(strength), shares)[0].exp())
        calm.append(at_temperature(scores, told.point_temperatures.rows(rows).of(strength))[0].exp())
    h, probability = torch.stack(by_map).mean(dim=0), torch.stack(calm).mean(dim=0)
    evidence = (torch.stack(telling).mean(dim=0).log2() - shares.double().log2()).mean(dim=0)
    place = int(probability[:, predicted].argmax())
    return LookedLayer(
        layer=name,
        grid=region.grid,
        probability=probability,
        evidence=evidence,
        points=probability.max(dim=1).values > results.knowledge(name).tau,
        region=place,
        near=_nearest(results, region, h[place], nearest),
        patterns=patterns_in(results, name, regional),
    )


def _maps_with_an_image(region: RegionResult) -> list[tuple[int | None, int]]:
    """Return the maps that judge, each with the number of an image that it judges; None is the map of all images."""
    if region.seen_by != "others":
        return [(None, 0)]
    judges = region.unseen[0]
    return [(number, int((judges == number).nonzero()[0, 0])) for number in judges.unique().tolist()]


def _nearest(results: StoredResults, region: RegionResult, h: Tensor, count: int) -> tuple[NearRegion, ...]:
    """Return the regions of the study's images, one per image, whose embedding is nearest to h (e,)."""
    distance, places = torch.linalg.vector_norm(region.embedding - h, dim=-1).min(dim=1)
    images, unit = results.images, region.mean_strength or 1.0
    order = distance.argsort(stable=True)[:count].tolist()
    return tuple(
        NearRegion(
            sample,
            int(places[sample]),
            results.classes[int(images.labels[sample])],
            float(distance[sample]) / unit,
            images.images[sample],
        )
        for sample in order
    )
