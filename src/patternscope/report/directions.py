"""Sentences and a table on directions of classes removed from layers: whether what is readable is used."""

from collections.abc import Mapping

from patternscope.knowledge.intervals import Interval
from patternscope.report.formatting import BEYOND, listed, verdict
from patternscope.report.tables import Table
from patternscope.results.directions import DirectionsResult, Fall
from patternscope.results.formatting import number, percent, with_interval


def is_used(fall: Fall) -> bool:
    """Tell whether the probability falls more than without random directions, beyond the noise."""
    return verdict(fall.above_random) == BEYOND and (fall.above_random.value or 0.0) > 0


def direction_sentences(layers: Mapping[str, DirectionsResult]) -> list[str]:
    """Return the report's findings on the directions removed from some layers, shallow to deep."""
    return [layer_sentence(layer, removed) for layer, removed in layers.items()] + [how_it_was_removed(layers)]


def layer_sentence(layer: str, removed: DirectionsResult) -> str:
    """Return whether the network uses what the map of a layer reads as the class, and for which classes."""
    every = removed.all_images
    fell = f"{number(float(removed.before.mean()))} falls by {_text(every.own)}"
    random = f"by {_text(every.random)} where random directions of the same length are removed"
    if not is_used(every):
        return (
            f"What the map reads as the class in {layer} is not visibly used: without it the probability of the true "
            f"class, {fell}, {random}; the difference, {_text(every.above_random)}, is {verdict(every.above_random)}."
        )
    used = [fall.of for fall in removed.classes if fall.of is not None and is_used(fall)]
    by_class = f"this holds for {listed(used)}" if used else "it is within the noise for each"
    by_class = "this holds for each" if len(used) == len(removed.classes) else by_class
    return (
        f"The network uses what the map reads as the class in {layer}: without it the probability of the true class, "
        f"{fell}, {random}; the difference is {verdict(every.above_random)}; class by class, {by_class}."
    )


def how_it_was_removed(layers: Mapping[str, DirectionsResult]) -> str:
    """Return what was removed, and from how many images."""
    first = next(iter(layers.values()))
    shares = listed([f"{percent(removed.removed)} in {layer}" for layer, removed in layers.items()])
    return (
        f"Of {first.all_images.images} images the direction of the true class was removed from all regions of a layer, "
        f"through the pseudo-inverse of the map that had not seen the image, and the network ran on. That is, of the "
        f"length of the features, {shares}. A network may read the class from other features as well: a small "
        "fall does not mean that the layer is unimportant."
    )


def _text(interval: Interval) -> str:
    """Return a fall with its interval; three digits, since many are small."""
    return with_interval(interval, 3)


def direction_table(layers: Mapping[str, DirectionsResult]) -> Table:
    """Return a row per layer and class: the falls without the class, without another one, without random directions."""
    rows = [
        [
            layer,
            "all" if fall.of is None else fall.of,
            *[with_interval(interval) for interval in (fall.own, fall.other, fall.random, fall.above_random)],
            "yes" if is_used(fall) else "not visibly",
        ]
        for layer, removed in layers.items()
        for fall in (removed.all_images, *removed.classes)
    ]
    columns = ["layer", "class", "its direction", "another class's", "random", "its minus random", "used"]
    return Table("Fall of the probability of the true class, the direction removed from a layer.", columns, rows)
