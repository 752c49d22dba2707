"""Sentences on students: how often they are right, and whether they know more or less than their teacher."""

from collections.abc import Mapping
from typing import Any

from patternscope.figures.compared import Compared
from patternscope.report.formatting import BEYOND, compared, counted, listed, number, verdict
from patternscope.results.json_csv import interval_of

_LEARNT = {"logits": "the student of the logits", "features": "the student of the features"}


def student_sentences(shown: Compared) -> list[str]:
    """Return what is said of the students."""
    return [more_or_fewer(shown), *[last_layer(shown, name) for name in shown.others], accuracies(shown)]


def more_or_fewer(shown: Compared) -> str:
    """Return in how many layers students have fewer or more reliable points than their teacher, beyond the noise.

    The paper finds fewer.
    """
    found = [
        interval_of(row["difference"], "reliable")
        for rows in shown.others.values()
        for row in rows
        if _known(row)
    ]
    other = sum(not _known(row) for rows in shown.others.values() for row in rows)
    sure = [each.value or 0.0 for each in found if verdict(each) == BEYOND]
    fewer, more = sum(value < 0 for value in sure), sum(value > 0 for value in sure)
    rest = len(found) - fewer - more
    grids = f"; {other} on other grids are not compared" if other else ""
    less = f"{fewer} {_has(fewer)} fewer reliable points than the teacher"
    alike = f"{rest} {'differs' if rest == 1 else 'differ'} within it"
    pairs = counted(len(found), "pair")
    return (
        f"Of {pairs} of a student and a layer, {less} and {more} {_has(more)} more, {BEYOND}; {alike}{grids}."
    )


def last_layer(shown: Compared, name: str) -> str:
    """Return how a student's last layer differs from its teacher's."""
    row = shown.others[name][-1]
    who = _capital(_LEARNT.get(name, name))
    through = "the teacher's maps" if row["maps"] != "own" else "maps of its own"
    if not _known(row):
        return f"{who} has another grid of regions in {row['layer']}."
    change = interval_of(row["difference"], "reliable")
    return (
        f"{who} has, in {row['layer']}, {compared(change)} reliable points an image than the teacher, "
        f"{verdict(change)} (seen through {through}; its ratio is {number(row['ratio'])}, the teacher's "
        f"{number(row['first']['ratio'])})."
    )


def accuracies(shown: Compared) -> str:
    """Return how often each network is right."""
    said = [f"{number(shown.accuracy[name], 3)} ({_LEARNT.get(name, name)})" for name in shown.others]
    return f"Held-out accuracy: {number(shown.accuracy[shown.first], 3)} (the {shown.first}), {listed(said)}."


def _known(row: Mapping[str, Any]) -> bool:
    """Whether a layer could be compared region by region."""
    return "difference" in row


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
