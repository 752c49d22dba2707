"""Two finished studies of the same images side by side: counts, orientations and strengths, layer by layer."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge import Seen, agreement, align_embeddings, channel_agreement, threshold
from patternscope.knowledge.network_comparison import Alignment
from patternscope.results.arrays import ShardedArray, load_arrays, save_arrays
from patternscope.results.json_csv import read_json, write_json, write_rows
from patternscope.settings.study import StudySettings
from patternscope.study.compared_layers import (
    layer_record,
    save_layer,
    saved_layer,
    seen_layer,
    through_first,
)
from patternscope.study.run import saved_settings, saved_status
from patternscope.study.stages import STAGES
from patternscope.study.stages.fitting import fitted_region
from patternscope.workflow.stages import Axes, Unit, layer_folder
from patternscope.workflow.store import SCHEMA_VERSION, plain_errors

COMPARISON_FILE = "compare.json"
Maps = Literal["auto", "own", "first"]


@dataclass(frozen=True)
class Finished:
    """A study that is finished, at its last checkpoint."""

    folder: Path
    settings: StudySettings
    axes: Axes

    def path(self, stage: str, layer: str | None = None) -> Path:
        """Return the folder of a stage's unit at the last checkpoint."""
        checkpoint = None if stage == "images" else self.axes.checkpoints - 1
        return self.folder / Unit(stage, checkpoint, layer).path

    def layer(self, name: str) -> Seen:
        """Return a layer in the study's own frame."""
        region = self.path("region", name)
        return saved_layer(region, self.path("knowledge", name), region / "strength.json")

    def features(self, layer: str) -> Tensor | None:
        """Return the regional features of a layer, None where they were not kept."""
        folder = self.path("features") / layer_folder(layer)
        return ShardedArray(folder, "regional").load() if any(folder.glob("regional-*")) else None


def open_finished(folder: Path) -> Finished:
    """Return a study whose stages are all done.

    InputError for a folder that is no study, and for one that is not finished.
    """
    settings, axes = saved_settings(folder)
    for each in saved_status(folder, STAGES):
        if not each.up_to_date:
            raise InputError(
                f"{folder}: not finished ({each.unit.path} is {each.state}); run the study to its end first"
            )
    return Finished(folder, settings, axes)


def compare_studies(first: Finished, second: Finished, out: Path, *, maps: Maps = "auto") -> dict[str, Any]:
    """Compare the last checkpoints of two studies, write what is found into `out`, and return its record.

    compare.json and compare.csv have the counts of each pair of layers, their differences, and how far regional
    embeddings turned; sample.safetensors and <layer>.safetensors what the second network knows, in the first's
    frame. Layers are paired by name, else by their order from the deepest. Source: METHOD section 9.

    Args:
        first, second: studies of the same images.
        out: an empty folder.
        maps: "own" sees each network through maps of its own, the second's turned by the orthogonal map that
            brings its sample embedding nearest; "first" sees the second's features through the first's maps;
            "auto" does where the channels of the two mean the same.

    Raises:
        InputError: different images, classes, dimensions, tau or kappa_max; no two layers with the same grid;
            maps "first" for features that were not kept.

    Cost: intervals, and for each layer a pass over the features of both where they were kept.
    """
    labels = _same_images(first, second)
    _check_settings(first.settings, second.settings)
    samples = [load_arrays(each.path("sample") / "sample.safetensors") for each in (first, second)]
    alignment = align_embeddings(samples[1]["embedding"], samples[0]["embedding"])
    pair = _Pair(first, second, alignment, samples[0]["mean_directions"], labels, maps)
    rows = []
    for names in pair_layers(first.axes.layers, second.axes.layers):
        row, seen = pair.compare(*names)
        save_layer(out / f"{layer_folder(row['layer'])}.safetensors", seen)
        rows.append(row)
    if not any(row["same_grid"] for row in rows):
        raise InputError(
            f"{first.folder} and {second.folder}: no layers with a common grid; set the same network.grid in both"
        )
    logits = [load_arrays(each.path("features") / "sample.safetensors") for each in (first, second)]
    turned = {name: samples[1][name] @ alignment.rotation for name in ("embedding", "mean_directions")}
    others = {name: logits[1][name] for name in ("logits", "target_probs")}
    save_arrays(out / "sample.safetensors", {**turned, **others})
    record = {
        "schema_version": SCHEMA_VERSION,
        "first": _about(first),
        "second": _about(second),
        "images": len(labels),
        "tau": threshold(first.settings.knowledge.tau, len(samples[0]["mean_directions"])),
        "agreement": agreement(logits[1]["logits"], logits[0]["logits"]),
        "alignment": {"residual": alignment.residual, "mirrored": alignment.mirrored},
        "layers": rows,
    }
    write_json(out / COMPARISON_FILE, record)
    write_rows(out / "compare.csv", [_flat(row) for row in rows])
    return record


def pair_layers(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return which layer of the second network goes with which of the first.

    Those of the same name; where no name is in both, in order from the deepest.

    >>> pair_layers(["a", "b"], ["b", "c"]), pair_layers(["a", "b"], ["x", "y", "z"])
    ([('b', 'b')], [('a', 'y'), ('b', 'z')])
    """
    both = [(name, name) for name in first if name in second]
    if both:
        return both
    count = min(len(first), len(second))
    return list(zip(first[-count:], second[-count:], strict=True))


@contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `out` at the end of the block; after an error `out` is as it was.

    InputError when `out` is there and is neither empty nor an earlier comparison.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: a file is in the place of the comparison; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / COMPARISON_FILE).is_file():
        raise InputError(f"{out}: holds other things than a comparison; choose another --out")
    with plain_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as place:
            fresh = Path(place, "new")
            fresh.mkdir()
            yield fresh
            if out.exists():
                out.rename(Path(place, "old"))
            fresh.rename(out)


def _same_images(first: Finished, second: Finished) -> Tensor:
    """The labels, after checking that both studies have the same images of the same classes."""
    one, other = (load_arrays(each.path("images") / "samples.safetensors") for each in (first, second))
    classes = [read_json(each.path("images") / "classes.json")["classes"] for each in (first, second)]
    if any(not _equal(one[name], other[name]) for name in ("images", "labels")) or classes[0] != classes[1]:
        seen = [f"{len(each['images'])} of {tuple(each['images'].shape[1:])}" for each in (one, other)]
        raise InputError(
            f"{first.folder} and {second.folder}: studies of different images ({seen[0]} and {seen[1]}); "
            "wanted the same [images] and seed in both"
        )
    return one["labels"]


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool(torch.equal(one, other))


def _check_settings(first: StudySettings, second: StudySettings) -> None:
    """Raise when the two define a knowledge point in different ways."""
    for name, one, other in (
        ("knowledge.tau", first.knowledge.tau, second.knowledge.tau),
        ("sample.out_dim", first.sample.out_dim, second.sample.out_dim),
        ("region.kappa_max", first.region.kappa_max, second.region.kappa_max),
    ):
        if one != other:
            raise InputError(f"{name}: the studies have {one} and {other}; wanted the same in both")


@dataclass(frozen=True)
class _Pair:
    """Two studies while their layers are compared."""

    first: Finished
    second: Finished
    alignment: Alignment
    directions: Tensor  # of the first's sample embedding (c, e)
    labels: Tensor
    maps: Maps

    def compare(self, layer: str, second_layer: str) -> tuple[dict[str, Any], Seen]:
        """What is found for a pair of layers, and the second network's layer in the first's frame."""
        one = self.first.layer(layer)
        own, other = self.first.features(layer), self.second.features(second_layer)
        if self.maps == "first" and other is None:
            raise InputError(
                f"{self.second.folder}: regional features were not kept; set keep_features = true, or use --maps own"
            )
        alike = None if own is None or other is None else channel_agreement(own, other)
        regional = fitted_region(self.first.path("region", layer), self.first.settings.region.kappa_max)
        by_first = other is not None and through_first(self.maps, alike, other.shape[1] == regional.in_dim)
        if by_first:
            seen = self._by_first(regional(other), one.unit_strength)
        else:
            found = self.second.layer(second_layer)
            seen = Seen(found.embedding @ self.alignment.rotation, found.unit_strength, found.points)
        settings = self.first.settings
        record = {
            "layer": layer,
            "second_layer": second_layer,
            "maps": "first" if by_first else "own",
            "grid": read_json(self.second.path("region", second_layer) / "region.json")["grid"],
            "channel_agreement": alike,
        }
        draws = {"resamples": settings.knowledge.bootstrap, "seed": settings.seed}
        return {**record, **layer_record(one, seen, **draws)}, seen

    def _by_first(self, embedding: Tensor, unit: float) -> Seen:
        """The second network's layer as the first's maps, directions and unit of strength show it."""
        settings = self.first.settings
        tau, kappa_max = threshold(settings.knowledge.tau, len(self.directions)), settings.region.kappa_max
        return seen_layer(
            embedding, self.directions, self.labels, tau=tau, kappa_max=kappa_max, unit_strength=unit
        )


def _about(study: Finished) -> dict[str, Any]:
    """What identifies a study."""
    trained = read_json(study.path("training") / "training.json")
    return {
        "name": study.folder.resolve().name,
        "architecture": study.settings.network.architecture,
        "checkpoint": trained["name"],
        "held_out_accuracy": trained["held_out_accuracy"],
        "layers": list(study.axes.layers),
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A layer's numbers as one row; histograms stay in the json."""
    flat = {}
    for name, value in row.items():
        if name in ("first", "difference"):
            flat |= {f"{name}_{key}": each for key, each in value.items()}
        elif not isinstance(value, dict | list):
            flat[name] = value
    return flat
