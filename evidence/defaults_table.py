"""What other values of the settings found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from defaults_figure import draw
from tables import markdown_table, number, seeds_text, value_text

from patternscope.figures.saving import save_figure
from patternscope.knowledge import seed_spread
from patternscope.study.records import write_rows

Row = Mapping[str, Any]
# Measure -> (name, whether more is better; None where neither is).
MEASURES: dict[str, tuple[str, bool | None]] = {
    "reliable": ("reliable points an image", None),
    "ratio": ("ratio", True),
    "ratio_unseen": ("ratio, unseen images", True),
    "precision": ("reliable points on the object", True),
    "deletion": ("deletion area of p", False),
    "agreement": ("agreement with the network", True),
    "correlation": ("strength and uncertainty", False),
}
INTRODUCTION = """One setting is changed at a time; the others keep their defaults. Each value is fitted to the last two
layers of networks on pictograms and on Fashion-MNIST, and judged by what [evidence.md](evidence.md)
measures: the ratio of reliable points on the images fitted to and on unseen ones, how much of the reliable points lies
on the object (pictograms), the area under the deletion curve of p (mean colour; smaller is better), and for the sample
embedding its agreement with the network and the correlation of strength and uncertainty (nearer to −1 is better).

Numbers are means over trained networks and layers. In brackets stands the mean difference from the defaults in the same
network and layer, ± its standard error over the trained networks, so that it says what holds for another network; the
defaults are the mean of three seeds of the fit. A value is called better or worse where the difference is more than
twice its error and at least 0.01. What was chosen, and why, is in [decisions.md](decisions.md), number 33.
"""
LEAST = 0.01
NETWORK = ("images", "network", "seed")
PLACE = (*NETWORK, "layer")


def compared(
    rows: Sequence[Row], settings: Mapping[str, tuple[Sequence[str], float]]
) -> list[dict[str, Any]]:
    """A row a setting and value: means, mean differences from the default in the same layer, and their errors."""
    base: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["setting"] == "":
            base.setdefault(_named(row, PLACE), []).append(row)
    found = []
    for setting, (_, default) in settings.items():
        mine = [row for row in rows if row["setting"] == setting]
        for value in sorted({row["value"] for row in mine} | {default}):
            about = {"setting": setting, "value": value, "default": value == default}
            if value == default:
                # Where a layer cannot have a value, as a coarse grid, the default stands for the other layers alone.
                there = dict.fromkeys(_named(row, PLACE) for row in mine)
                found.append({**about, **_means([row for place in there for row in base[place]])})
            else:
                tried = [row for row in mine if row["value"] == value]
                found.append({**about, **_means(tried), **_differences(tried, base)})
    return found


def _means(rows: Sequence[Row]) -> dict[str, Any]:
    layers = len({_named(row, PLACE) for row in rows})
    nothing = {f"{name}_{word}": None for name in MEASURES for word in ("difference", "error")}
    return {"layers": layers, **nothing, **{name: _mean(rows, name) for name in MEASURES}}


def _differences(
    tried: Sequence[Row], base: Mapping[tuple[Any, ...], Sequence[Row]]
) -> dict[str, float | None]:
    """Mean over networks of the differences from the default in the same layers, and the standard error of it."""
    found: dict[str, float | None] = {}
    for name in MEASURES:
        gaps: dict[tuple[Any, ...], list[float]] = {}
        for row in tried:
            default = _mean(base[_named(row, PLACE)], name)
            if row[name] is not None and default is not None:
                gaps.setdefault(_named(row, NETWORK), []).append(row[name] - default)
        each = [fmean(layers) for layers in gaps.values()]
        spread = seed_spread(each)
        found |= {
            f"{name}_difference": fmean(each) if each else None,
            f"{name}_error": None if spread is None else spread / len(each) ** 0.5,
        }
    return found


def _named(row: Row, keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[key] for key in keys)


def _mean(rows: Sequence[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return fmean(known) if known else None


def write_findings(
    folder: Path, rows: Sequence[Row], settings: Mapping[str, tuple[Sequence[str], float]]
) -> None:
    """Write the two csv files, the figure and section.md."""
    folder.mkdir(parents=True, exist_ok=True)
    found = compared(rows, settings)
    write_rows(folder / "defaults_fits.csv", rows)
    write_rows(folder / "defaults.csv", found)
    save_figure(draw(found), folder, "defaults_figure", rows=found, settings={}, dpi=200)
    parts = [
        "# Defaults\n",
        "`python evidence/defaults.py` repeats this page's numbers; `make evidence` runs it with the others.\n",
        INTRODUCTION,
        _fitted_on(rows),
        "![Measures by value of each setting](defaults_figure.png)\n",
    ]
    for setting, (paths, default) in settings.items():
        mine = [row for row in found if row["setting"] == setting]
        parts += [
            f"## {setting[:1].upper()}{setting[1:]}\n",
            _described(paths, default),
            *_verdicts(mine),
            "",
            *_table(mine),
        ]
    (folder / "section.md").write_text("\n".join(parts), encoding="utf-8")


def _fitted_on(rows: Sequence[Row]) -> str:
    names = dict.fromkeys(f"{row['network']} on {row['images']}, {row['layer']}" for row in rows)
    return f"Fitted here: {'; '.join(names)}. {seeds_text(rows)}"


def _described(paths: Sequence[str], default: float) -> str:
    named = " and ".join(f"`{path}`" for path in paths)
    if paths[0].endswith("scale"):
        return f'{named}; factors of what `"auto"` finds, which is the default.\n'
    if paths[0] == "network.grid":
        return f"{named}; by default each layer's own, 8 x 8 and 4 x 4 here. Not all layers have a coarser one.\n"
    return f"{named}, default {default:g}.\n"


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """For each other value: what it makes better and what worse than the default."""
    for row in rows:
        if row["default"]:
            continue
        better, worse = [], []
        for name, (text, more) in MEASURES.items():
            change, error = row[f"{name}_difference"], row[f"{name}_error"]
            if more is None or change is None or error is None or abs(change) < max(LEAST, 2 * error):
                continue
            (better if (change > 0) == more else worse).append(f"{text} ({number(change)})")
        parts = [
            f"{word}: {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names
        ]
        yield f"- {value_text(row['value'])}: {'; '.join(parts) or 'no measure differs'}."


def _table(rows: Sequence[Row]) -> Iterable[str]:
    heads = ["value", *[text for text, _ in MEASURES.values()]]
    cells = []
    for row in rows:
        line = [value_text(row["value"]) + (" (default)" if row["default"] else "")]
        for name in MEASURES:
            digits = 1 if name == "reliable" else 3
            change = row[f"{name}_difference"]
            sign = "+" if change is not None and round(change, digits) > 0 else ""
            error = row[f"{name}_error"]
            around = "" if error is None else f" ± {number(error, digits)}"
            difference = "" if change is None else f" ({sign}{number(change, digits)}{around})"
            line.append(number(row[name], digits) + difference)
        cells.append(line)
    yield markdown_table(heads, cells)
