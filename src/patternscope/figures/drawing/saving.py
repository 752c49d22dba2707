"""A figure on disk: png, svg, the csv behind it and its settings; the same bytes for the same inputs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.figures.drawing.annotations import Figure
from patternscope.figures.drawing.style import figure_style
from patternscope.results.json_csv import write_json, write_rows

Row = Mapping[str, Any]
_PIXELS = 2**16  # what Agg can draw a side


def save_figure(figure: Figure, folder: Path, name: str, *, rows: Sequence[Row], settings: Row, dpi: int) -> None:
    """Write `name`.png, .svg, .csv (`rows`, all with the keys of the first) and .json (`settings`).

    No file holds a time or the version of a program. InputError when the picture would have more than 65,535
    pixels a side.
    """
    side = max(figure.get_size_inches()) * dpi
    if side >= _PIXELS:
        most = int(dpi * _PIXELS / side)
        raise InputError(f"figures.dpi: expected at most {most} for {name}, got {dpi}")
    folder.mkdir(parents=True, exist_ok=True)
    with figure_style():
        figure.savefig(folder / f"{name}.png", dpi=dpi, metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    save_table(folder, name, rows, {"dpi": dpi, **settings})


def save_table(folder: Path, name: str, rows: Sequence[Row], settings: Row) -> None:
    """Write what stands beside the picture: `name`.csv and `name`.json."""
    write_rows(folder / f"{name}.csv", rows)
    write_json(folder / f"{name}.json", {"figure": name, **settings})
