"""Sentences on the layers of the last checkpoint: which knows most, and whether the ratio grows with depth."""

from collections.abc import Sequence
from itertools import groupby

from patternscope.report.contents import Change, Depth, Record
from patternscope.report.formatting import (
    BEYOND,
    compared,
    counted,
    listed,
    number,
    percent,
    spanned,
    verdict,
)
from patternscope.results.json_csv import interval_of


def depth_sentences(depth: Depth) -> list[str]:
    """Return what is said of the layers."""
    found = [
        most_reliable(depth),
        ratio_over_depth(depth.layers, depth.steps),
        shares_of_regions(depth.layers),
        first_layer(depth.layers),
        most_at_each_threshold(depth.layers),
        on_object(depth.layers),
        best_and_worst_class(depth.layers),
    ]
    return [each for each in found if each is not None]


def most_reliable(depth: Depth) -> str:
    """Return which layer has the most reliable points, and how far ahead of the next it is."""
    if not any(layer["reliable"] for layer in depth.layers):
        return f"No layer has a reliable knowledge point at the threshold {depth.layers[0]['tau']:g}."
    best = _best(depth.layers)
    said = (
        f"{best['layer']} has {spanned(interval_of(best, 'reliable'))} reliable knowledge points an image, of "
        f"{spanned(interval_of(best, 'total'))} in all"
    )
    if depth.lead is None:
        return f"{said}."
    ahead = depth.lead.numbers["reliable"]
    return (
        f"{said}, the most of the {counted(len(depth.layers), 'layer')}. That is {compared(ahead)} than in "
        f"{depth.lead.start}, which comes next, {verdict(ahead)}."
    )


def shares_of_regions(layers: Sequence[Record]) -> str | None:
    """Return which share of its regions each layer's reliable points are; None where all have as many regions."""
    if len({layer["regions"] for layer in layers}) == 1:
        return None
    said = listed([f"{percent(_share(each))} of {each['regions']} in {each['layer']}" for each in layers])
    return f"Layers have different numbers of regions; as shares of them, reliable points are {said}."


def ratio_over_depth(layers: Sequence[Record], steps: Sequence[Change]) -> str | None:
    """Return whether the ratio of reliable to all points grows from layer to layer; None for one layer."""
    if len(layers) < 2:
        return None
    ratios = ", ".join(number(layer["ratio"]) for layer in layers)
    series = f"{ratios} from {layers[0]['layer']} to {layers[-1]['layer']}"
    known = [step for step in steps if step.numbers["ratio"].value is not None]
    if not known:
        return f"The ratio of reliable to all points cannot be followed with depth: {series}."
    values = [step.numbers["ratio"].value or 0.0 for step in known]
    grows, falls = all(value > 0 for value in values), all(value < 0 for value in values)
    if grows or falls:
        verb = "grows" if grows else "falls"
        return f"The ratio of reliable to all points {verb} with depth: {series}; {_noise_of_steps(known)}."
    back = [step for step, value in zip(known, values, strict=True) if value <= 0]
    said = listed(
        [
            f"from {step.start} to {step.end} it is {compared(step.numbers['ratio'], 'higher', 'lower')}, "
            f"{verdict(step.numbers['ratio'])}"
            for step in back
        ]
    )
    return f"The ratio of reliable to all points does not grow at every step of depth: {series}; {said}."


def first_layer(layers: Sequence[Record]) -> str | None:
    """Return how often the first layer's points are wrong; None for one layer or where it has none."""
    first = layers[0]
    if len(layers) < 2 or first["ratio"] is None:
        return None
    return (
        f"In {first['layer']}, the first of these layers, {percent(1 - first['ratio'])} of the "
        f"{spanned(interval_of(first, 'total'))} points an image say another class than the image's own."
    )


def most_at_each_threshold(layers: Sequence[Record]) -> str | None:
    """Return whether the layer with the most reliable points depends on the threshold; None for one layer."""
    if len(layers) < 2 or len(layers[0]["sweep"]) < 2:
        return None
    taus = [row["tau"] for row in layers[0]["sweep"]]
    at = [
        {layer["layer"]: layer["sweep"][place]["reliable"] for layer in layers} for place in range(len(taus))
    ]
    leaders = [max(counts, key=lambda name: (counts[name], name == _best(layers)["layer"])) for counts in at]
    known = [(tau, name) for tau, name, counts in zip(taus, leaders, at, strict=True) if any(counts.values())]
    if not known:
        return None
    runs = [(name, [tau for tau, _ in run]) for name, run in groupby(known, key=lambda each: each[1])]
    if len(runs) == 1:
        return f"{runs[0][0]} has the most reliable points at every threshold from {_span(runs[0][1])}."
    said = listed(
        [f"{name} from {_span(own)}" if len(own) > 1 else f"{name} at {own[0]:g}" for name, own in runs]
    )
    return f"Which layer has the most reliable points depends on the threshold: {said}."


def on_object(layers: Sequence[Record]) -> str | None:
    """Return how many of the reliable points of the best layer lie on the object; None without masks."""
    best = _best(layers)
    share, area = best["on_object"], best["object_area"]
    if share is None or not area:
        return None
    return (
        f"Of {best['layer']}'s reliable points {percent(share)} lie on the object, which covers {percent(area)} of "
        f"the picture: {number(share / area, 1)} times as many as if they lay anywhere."
    )


def best_and_worst_class(layers: Sequence[Record]) -> str | None:
    """Return which classes have the most and the fewest reliable points in the best layer; None for one class."""
    best = _best(layers)
    classes = sorted(best["classes"], key=lambda row: -row["reliable"])
    if len(classes) < 2 or not classes[0]["reliable"]:
        return None
    most, fewest = classes[0], classes[-1]
    return (
        f"In {best['layer']}, images of {most['class']} have the most reliable points, "
        f"{spanned(interval_of(most, 'reliable'))}, those of {fewest['class']} the fewest, "
        f"{spanned(interval_of(fewest, 'reliable'))}."
    )


def _best(layers: Sequence[Record]) -> Record:
    """The layer with the most reliable points, the deeper of equal ones."""
    return max(enumerate(layers), key=lambda each: (each[1]["reliable"], each[0]))[1]


def _share(layer: Record) -> float:
    """Reliable points as a share of a layer's regions."""
    return layer["reliable"] / layer["regions"]


def _noise_of_steps(steps: Sequence[Change]) -> str:
    """Which of some steps of the ratio may be noise."""
    doubtful = [step for step in steps if verdict(step.numbers["ratio"]) != BEYOND]
    if not doubtful:
        return f"{'the step is' if len(steps) == 1 else 'every step is'} {BEYOND}"
    said = [
        f"the step from {step.start} to {step.end}, {spanned(step.numbers['ratio'])}, is "
        f"{verdict(step.numbers['ratio'])}"
        for step in doubtful
    ]
    return listed(said)


def _span(taus: Sequence[float]) -> str:
    """The first and the last of some thresholds."""
    return f"{taus[0]:g} to {taus[-1]:g}"
