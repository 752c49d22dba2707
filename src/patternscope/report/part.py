"""A part of the report as one record: its sentences and tables, and the figures that belong to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from patternscope.report import parts
from patternscope.report.contents import Contents
from patternscope.report.tables import Table

Said = tuple[Sequence[str], Sequence[Table | None]]


@dataclass(frozen=True)
class ReportPart:
    """A part of the report, one file in `parts`, which is discovered there.

    Attributes:
        key, title: of the part. place: its place on the page, smallest first.
        read: returns sentences and tables of a study, None if the study does not have the part.
        captions: of its figures, in order; the first `shown` are not folded.
        finding: rank of its first sentence among the findings of a study, smallest first; None if it is not a finding.
    """

    key: str
    title: str
    place: int
    read: Callable[[Contents], Said | None]
    captions: Mapping[str, str]
    finding: int | None = None
    shown: int = 1


@cache
def report_parts() -> tuple[ReportPart, ...]:
    """Return all parts, in the order of the page."""
    modules = [import_module(f"{parts.__name__}.{module.name}") for module in iter_modules(parts.__path__)]
    return tuple(sorted((module.PART for module in modules), key=lambda part: part.place))
