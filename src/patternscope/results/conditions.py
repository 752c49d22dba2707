"""Conditions on a difference, such as "evidence:conv_53:-0.05": which of them are met beyond the noise."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from patternscope.errors import InputError, nearest
from patternscope.knowledge.intervals import Interval
from patternscope.results.difference import LayerDifference, StudyDifference

OF_LAYERS = ("evidence", "total", "reliable", "ratio")
OF_NETWORKS = ("accuracy", "held_out")
ANY_LAYER = "*"


@dataclass(frozen=True)
class Condition:
    """A change that is too large: of a number, in a layer (None for the network's), by more than a limit.

    `falls` is the direction: below the limit, or above it.
    """

    text: str
    number: str
    layer: str | None
    limit: float
    falls: bool


@dataclass(frozen=True)
class Verdict:
    """A condition in one layer: the difference, and whether its whole interval is beyond the limit."""

    condition: str
    layer: str | None = field(metadata={"omit_none": True})
    difference: Interval
    holds: bool


def parse_condition(text: str) -> Condition:
    """Parse a condition; InputError for an invalid text.

    ``NUMBER:LAYER:LIMIT`` of a layer, or of each layer where it is ``*``; ``NUMBER:LIMIT`` of the network. With a minus
    sign, the condition is met if the number falls by more than the limit, otherwise if it rises by more: ``-0`` is any
    fall.

    >>> parse_condition("evidence:conv_53:-0.05").limit, parse_condition("accuracy:-0").falls
    (-0.05, True)
    """
    number, _, rest = text.partition(":")
    layer, found, last = rest.rpartition(":")
    if number not in (*OF_LAYERS, *OF_NETWORKS):
        known = (*OF_LAYERS, *OF_NETWORKS)
        raise InputError(f"--fail-on: expected one of {', '.join(known)}, got {text!r}; {nearest(number, known)}")
    if (number in OF_LAYERS) != bool(found and layer):
        form = "NUMBER:LAYER:LIMIT, such as evidence:conv_53:-0.05" if number in OF_LAYERS else "accuracy:-0.02"
        raise InputError(f"--fail-on: expected {form}, got {text!r}")
    try:
        limit = float(last)
    except ValueError:
        limit = float("nan")
    if not abs(limit) < float("inf"):
        raise InputError(f"--fail-on: expected a number as the limit, got {last!r} in {text!r}")
    return Condition(text, number, layer or None, limit, last.strip().startswith("-"))


def judge(difference: StudyDifference, conditions: Sequence[Condition]) -> tuple[Verdict, ...]:
    """Return for each condition, and each layer that it concerns, whether it is met beyond the noise.

    It is met if the whole interval of the difference is beyond the limit. InputError for a layer that is not compared,
    and for a number that does not exist.
    """
    return tuple(
        Verdict(condition.text, layer, change, _is_beyond(change, condition))
        for condition in conditions
        for layer, change in _changes(difference, condition)
    )


def _changes(difference: StudyDifference, condition: Condition) -> list[tuple[str | None, Interval]]:
    """The differences that a condition is about, by layer."""
    if condition.layer is None:
        paired = difference.accuracy if condition.number == "accuracy" else difference.held_out
        if paired is None:
            raise InputError(f"--fail-on: {condition.text!r}: expected images with labels, got none")
        return [(None, paired.difference)]
    layers: dict[str, LayerDifference] = {each.layer: each for each in difference.layers}
    names = list(layers) if condition.layer == ANY_LAYER else [condition.layer]
    for name in names:
        if name not in layers:
            raise InputError(
                f"--fail-on: {condition.text!r}: expected a layer of both, got {name!r}; {nearest(name, list(layers))}"
            )
    return [(name, getattr(layers[name], condition.number).difference) for name in names]


def _is_beyond(change: Interval, condition: Condition) -> bool:
    """Tell whether the whole interval is beyond the limit; False for a number that does not exist."""
    end = change.high if condition.falls else change.low
    if end is None:
        return False
    return end < condition.limit if condition.falls else end > condition.limit
