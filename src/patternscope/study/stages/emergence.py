"""Stage emergence: when knowledge points appear over training, in each layer, class and image."""

from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge import (
    KnowledgePoints,
    bootstrap_count_differences,
    class_appearance,
    first_appearance,
    lasting_appearance,
    threshold,
)
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import flat_intervals, read_json, write_json, write_rows
from patternscope.workflow.stages import Need, Stage, UnitContext, layer_folder

_NUMBERS = ("total", "reliable", "unreliable", "ratio")
_FIELDS = tuple(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high"))


def run_emergence(ctx: UnitContext) -> None:
    """Write emergence.json (each layer's history), .csv (its numbers as rows) and .safetensors (when, an image).

    The arrays of a layer are `first/LAYER` and `lasting/LAYER` (n,), the checkpoint of an image's first reliable
    point and the one from which it always has one, and `region_first/LAYER` (n, r); -1 is never.
    """
    moments = [_moment(read_json(path)) for path in ctx.paths("training", "training.json")]
    labels = load_arrays(ctx.path("images", "samples.safetensors"))["labels"]
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    layers: list[dict[str, Any]] = []
    arrays: dict[str, Tensor] = {}
    for name in dict.fromkeys(source.unit.layer or "" for source in ctx.sources("knowledge")):
        folders = [source.folder for source in ctx.sources("knowledge") if source.unit.layer == name]
        found = [load_arrays(folder / "knowledge.safetensors") for folder in folders]
        reliable = torch.stack([each["reliable"] for each in found])
        when = {
            "first": first_appearance(reliable.any(dim=-1)),
            "lasting": lasting_appearance(reliable.any(dim=-1)),
        }
        arrays |= {f"{kind}/{layer_folder(name)}": each for kind, each in when.items()}
        arrays[f"region_first/{layer_folder(name)}"] = first_appearance(reliable)
        records = [read_json(folder / "knowledge.json") for folder in folders]
        layers.append(
            {
                "layer": name,
                "ratio_at_end": records[-1]["ratio"],
                "growth": _growth(ctx, found[0], found[-1]),
                "counts": [_counts(*pair) for pair in zip(moments, records, strict=True)],
                "classes": [
                    {"class": classes[label], "counts": _class_counts(classes[label], moments, records)}
                    for label in labels.unique().tolist()
                ],
                **{kind: _appearances(each, labels, classes, moments) for kind, each in when.items()},
            }
        )
    about = {
        "images": len(labels),
        "tau": threshold(ctx.settings.knowledge.tau, len(classes)),
        "checkpoints": moments,
    }
    write_json(ctx.folder / "emergence.json", {**about, "layers": layers})
    write_rows(ctx.folder / "emergence.csv", _table(layers))
    save_arrays(ctx.folder / "emergence.safetensors", arrays)


def _moment(trained: dict[str, Any]) -> dict[str, Any]:
    """Which checkpoint, and when in training it was."""
    return {name: trained[name] for name in ("checkpoint", "name", "step")}


def _counts(moment: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Points an image at a checkpoint, with their intervals, as the stage knowledge found them."""
    return {**moment, **{name: record[name] for name in _FIELDS}}


def _class_counts(
    name: str, moments: list[dict[str, Any]], records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same for the images of one class."""
    own = [next(row for row in record["classes"] if row["class"] == name) for record in records]
    return [_counts(*pair) for pair in zip(moments, own, strict=True)]


def _growth(ctx: UnitContext, first: dict[str, Tensor], last: dict[str, Tensor]) -> dict[str, float | None]:
    """How many points an image the last checkpoint has more than the first, with intervals."""
    resamples = ctx.settings.knowledge.bootstrap
    grown = bootstrap_count_differences(
        KnowledgePoints(**first), KnowledgePoints(**last), resamples=resamples, seed=ctx.seed
    )
    return flat_intervals(grown)


def _appearances(
    when: Tensor, labels: Tensor, classes: list[str], moments: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """When each class has its points, the earliest class first."""
    return [
        {
            "class": classes[each.label],
            "images": each.images,
            "share": each.share,
            "median_checkpoint": each.median,
            "median_step": None if each.median is None else moments[each.median]["step"],
            "mean_checkpoint": each.mean,
        }
        for each in class_appearance(when, labels, len(moments))
    ]


def _table(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a layer, class and checkpoint; no class is all images."""
    return [
        {"layer": layer["layer"], "class": name, **counts}
        for layer in layers
        for name, history in [
            (None, layer["counts"]),
            *[(each["class"], each["counts"]) for each in layer["classes"]],
        ]
        for counts in history
    ]


EMERGENCE = Stage(
    "emergence",
    version=1,
    run=run_emergence,
    settings=("seed", "knowledge.tau", "knowledge.bootstrap"),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("training", ("training.json",), checkpoint="all"),
        Need("knowledge", ("knowledge.safetensors", "knowledge.json"), checkpoint="all", layer="all"),
    ),
    weight=0.2,
)
