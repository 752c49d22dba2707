"""Sentences on what the network depends on: regions, and directions of classes within a layer."""

from collections.abc import Mapping

from patternscope.report.contents import Contents
from patternscope.report.directions import direction_sentences, direction_table
from patternscope.report.formatting import (
    BEYOND,
    WITHIN,
    clause,
    counted,
    difference_text,
    listed,
    reversed_difference,
    series,
    verdict,
)
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import faithfulness_table
from patternscope.results.directions import DirectionsResult
from patternscope.results.faithfulness import ORDERS, REPLACEMENTS, FaithfulnessResult
from patternscope.results.formatting import number


def faithfulness_sentences(layers: Mapping[str, FaithfulnessResult]) -> list[str]:
    """Return the report's findings from the deletion test of some layers, shallow to deep."""
    last, tested = list(layers.items())[-1]
    return [
        against_random(last, tested),
        *[against_others(layer, tested) for layer, tested in reversed(list(layers.items()))],
        *([best_layer(layers)] if len(layers) > 1 else []),
        how_it_was_measured(tested),
        *[omitted_orders(layer, tested) for layer, tested in layers.items() if tested.omitted],
    ]


def against_random(layer: str, tested: FaithfulnessResult) -> str:
    """Return whether removing the regions of the true class first does more than removing regions at random."""
    random = tested.order("random")
    less = random.difference
    depends = verdict(less) == BEYOND and less.value is not None and less.value < 0
    return (
        f"The network {'depends' if depends else 'does not visibly depend'} on the regions of {layer} with the "
        "highest probability of the true class: the deletion curve that removes these first has an area of "
        f"{number(tested.order('p').area.value)}, that of a random order {number(random.area.value)}; the difference, "
        f"{difference_text(less)}, is {verdict(less)}."
    )


def against_others(layer: str, tested: FaithfulnessResult) -> str:
    """Return how the order of p compares with the other orders of the regions of a layer."""
    better, worse, alike = [], [], []
    for order in tested.orders:
        if order.order in {"p", "mask"}:
            continue
        less, name = order.difference, ORDERS[order.order]
        if verdict(less) != BEYOND:
            alike.append(f"from {name}, {difference_text(less)},")
        elif (less.value or 0.0) < 0:
            better.append(f"{name} by {difference_text(reversed_difference(less))}")
        else:
            worse.append(f"{name} by {difference_text(less)}")
    parts = [f"better than {listed(better)}"] if better else []
    parts += [f"worse than {listed(worse)}"] if worse else []
    clauses = [f"p orders the regions {', and '.join(parts)}"] if parts else []
    clauses += [clause("difference", alike, WITHIN)] if alike else []
    return f"In {layer}, {'; '.join(clauses)}."


def best_layer(layers: Mapping[str, FaithfulnessResult]) -> str:
    """Return in which layer p orders regions best."""
    areas = {layer: tested.order("p").area.value or 0.0 for layer, tested in layers.items()}
    names = list(layers)
    return (
        f"Of these layers, p orders the regions of {min(areas, key=lambda layer: areas[layer])} best: areas "
        f"{series(list(areas.values()))} from {names[0]} to {names[-1]}."
    )


def how_it_was_measured(tested: FaithfulnessResult) -> str:
    """Return the procedure and the number of images."""
    return (
        f"Measured on {counted(tested.images, 'image')}, whose regions are removed in {len(tested.shares) - 1} equal "
        f"shares, the most important first; a removed region is {REPLACEMENTS[tested.replacement]}."
    )


def omitted_orders(layer: str, tested: FaithfulnessResult) -> str:
    """Return which orders a layer lacks, and why."""
    return f"Omitted in {layer}: {'; '.join(f'{ORDERS[name]}: {why}' for name, why in tested.omitted.items())}."


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    tested, results = contents.faithfulness, contents.results
    removed = {layer: results.load(DirectionsResult, layer=layer) for layer in results.layers(DirectionsResult)}
    sentences = [
        *(faithfulness_sentences(tested) if tested else []),
        *(direction_sentences(removed) if removed else []),
    ]
    tables = [*([faithfulness_table(tested)] if tested else []), *([direction_table(removed)] if removed else [])]
    return (sentences, tables) if sentences else None


PART = ReportPart(
    "faithfulness",
    "Deletion test",
    30,
    _read,
    captions={
        "faithfulness": "The network's probability of the true class as regions are removed, the most important first."
    },
    finding=4,
)
