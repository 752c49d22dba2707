"""Sentences on the deletion test: whether the network depends on the regions that speak most for the true class."""

from collections.abc import Sequence

from patternscope.report.contents import Record
from patternscope.report.formatting import BEYOND, counted, listed, number, spanned, verdict
from patternscope.results.json_csv import interval_of
from patternscope.study.stages.faithfulness import INSTEAD, ORDERS


def faithfulness_sentences(layers: Sequence[Record]) -> list[str]:
    """Return what is said of the deletion test."""
    last = layers[-1]
    sentences = [
        against_chance(last),
        *[beside(layer) for layer in reversed(layers)],
        which_layer(layers) if len(layers) > 1 else None,
        how_it_was_asked(last),
        *[left_out(layer) for layer in layers],
    ]
    return [each for each in sentences if each is not None]


def against_chance(layer: Record) -> str:
    """Return whether taking away what speaks for the true class hurts more than taking away anything."""
    orders = _orders(layer)
    less = interval_of(orders["random"], "difference")
    depends = verdict(less) == BEYOND and less.value is not None and less.value < 0
    return (
        f"The network {'depends' if depends else 'does not visibly depend'} on the regions of {layer['layer']} that "
        f"speak for the true class: without them first, the area below its probability is "
        f"{number(orders['p']['area'])}, in a random order {number(orders['random']['area'])}; the difference, "
        f"{spanned(less)}, is {verdict(less)}."
    )


def beside(layer: Record) -> str:
    """Return how the order of p does beside the other accounts of a layer."""
    better, worse, alike = [], [], []
    for name, each in _orders(layer).items():
        if name in {"p", "mask"}:
            continue
        less = interval_of(each, "difference")
        text = f"{ORDERS[name]} ({spanned(less)})"
        group = alike if verdict(less) != BEYOND else better if (less.value or 0.0) < 0 else worse
        group.append(text)
    said = [
        f"{word} {listed(group)}"
        for word, group in (("better than", better), ("worse than", worse), ("within the noise of", alike))
        if group
    ]
    return f"In {layer['layer']} the order of p is {'; '.join(said)}."


def which_layer(layers: Sequence[Record]) -> str:
    """Return in which layer p orders regions best."""
    best = min(layers, key=lambda layer: _orders(layer)["p"]["area"])
    areas = ", ".join(f"{number(_orders(layer)['p']['area'])}" for layer in layers)
    first, last = layers[0]["layer"], layers[-1]["layer"]
    return f"Of these layers p orders regions best in {best['layer']}: areas {areas} from {first} to {last}."


def how_it_was_asked(layer: Record) -> str:
    """Return what was done to how many images."""
    shares = len(layer["orders"][0]["curve"]) - 1
    return (
        f"Asked on {counted(layer['images'], 'image')}, whose regions go in {shares} equal shares, the most important "
        f"first; a region that is gone is {INSTEAD[layer['replacement']]}."
    )


def left_out(layer: Record) -> str | None:
    """Return which account has nothing to say of a layer, and why; None where all have."""
    said = [f"{ORDERS[name]}: {why}" for name, why in layer["left_out"].items()]
    return f"Left out in {layer['layer']}: {'; '.join(said)}." if said else None


def _orders(layer: Record) -> dict[str, Record]:
    return {each["order"]: each for each in layer["orders"]}
