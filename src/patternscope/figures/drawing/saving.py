"""A figure on disk: png, svg, the csv behind it and its settings; the same bytes for the same inputs."""

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.figures.drawing.annotations import Figure
from patternscope.figures.drawing.style import figure_style
from patternscope.results.json_csv import write_json, write_rows

Row = Mapping[str, Any]
_HASHED = re.compile(r"""(?P<before>id="|url\(#|href="#)(?P<id>[A-Za-z]+(?:[0-9]+_\w+_)?[0-9a-f]{10})(?P<after>"|\))""")
_PIXELS = 2**16  # the limit of Agg per side


def save_figure(figure: Figure, folder: Path, name: str, *, rows: Sequence[Row], settings: Row, dpi: int) -> None:
    """Write `name`.png, .svg, .csv (`rows`, all with the keys of the first) and .json (`settings`).

    No file contains a time or the version of a program. InputError if the picture would have more than 65,535 pixels
    per side.
    """
    side = max(figure.get_size_inches()) * dpi
    if side >= _PIXELS:
        most = int(dpi * _PIXELS / side)
        raise InputError(f"figures.dpi: expected at most {most} for {name}, got {dpi}")
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        figure.savefig(folder / f"{name}.png", dpi=dpi, metadata={"Software": None})
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
        (folder / f"{name}.svg").write_text(numbered_ids(drawn.getvalue()), encoding="utf-8", newline="\n")
    save_table(folder, name, rows, {"dpi": dpi, **settings})


def numbered_ids(svg: str) -> str:
    """Return an SVG whose hashed ids are numbered by first appearance.

    Matplotlib hashes unrounded sizes, whose last digit depends on what the process has drawn before.

    >>> numbered_ids('<a clip-path="url(#p0123456789)"/><clipPath id="p0123456789"/>')
    '<a clip-path="url(#p0)"/><clipPath id="p0"/>'
    """
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        known = numbers.setdefault(found["id"], f"{found['id'][0]}{len(numbers)}")
        return f"{found['before']}{known}{found['after']}"

    return _HASHED.sub(number, svg)


def save_table(folder: Path, name: str, rows: Sequence[Row], settings: Row) -> None:
    """Write the files next to the picture: `name`.csv and `name`.json."""
    write_rows(folder / f"{name}.csv", rows)
    write_json(folder / f"{name}.json", {"figure": name, **settings})
