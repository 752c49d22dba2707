"""What other values of the settings found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from defaults_figure import draw
from tables import markdown_table, number, value_text

from patternscope.figures.saving import save_figure
from patternscope.knowledge import seed_spread
from patternscope.results.json_csv import write_rows

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

Numbers are means over networks, image sets and layers; *difference* is the mean of the differences from the defaults in
the same network, image set and layer. *Noise* is the standard deviation over seeds of the fits of the defaults. A value
is called better or worse where the difference is more than twice its noise and at least 0.01. What was chosen, and why,
is in [decisions.md](decisions.md), number 33.
"""
LEAST = 0.01


def compared(
    rows: Sequence[Row], settings: Mapping[str, tuple[Sequence[str], float]]
) -> list[dict[str, Any]]:
    """A row a setting and value: means, mean differences from the default in the same layer, and their noise."""
    keys = ("images", "network", "layer")
    base: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["setting"] == "":
            base.setdefault(tuple(row[key] for key in keys), []).append(row)
    found = []
    for setting, (_, default) in settings.items():
        mine = [row for row in rows if row["setting"] == setting]
        values = sorted({row["value"] for row in mine} | {default})
        # Where a layer cannot have a value, as a coarse grid, the default is compared in the other layers alone.
        for value in values:
            tried = [row for row in mine if row["value"] == value]
            places = [tuple(row[key] for key in keys) for row in tried or mine]
            defaults = [base[place] for place in dict.fromkeys(places)]
            found.append(
                {"setting": setting, "value": value, "default": value == default, **_row(tried, defaults)}
            )
    return found


def _row(tried: Sequence[Row], defaults: Sequence[Sequence[Row]]) -> dict[str, float | None]:
    """Means of the measures, differences from the defaults, noise of such a difference."""
    row: dict[str, float | None] = {"layers": len(defaults)}
    for name in MEASURES:
        middle = [_mean(seeds, name) for seeds in defaults]
        spreads = [seed_spread([each[name] for each in seeds]) for seeds in defaults]
        known = [spread for spread in spreads if spread is not None]
        # One fit against the mean of several, in so many layers.
        seeds = len(defaults[0])
        noise = (sum(each**2 for each in known) * (1 + 1 / seeds)) ** 0.5 / len(known) if known else None
        if tried:
            gaps = [
                t[name] - m
                for t, m in zip(tried, middle, strict=True)
                if t[name] is not None and m is not None
            ]
            value = _mean(tried, name)
            row |= {name: value, f"{name}_difference": fmean(gaps) if gaps else None, f"{name}_noise": noise}
        else:
            values = [each for each in middle if each is not None]
            row |= {
                name: fmean(values) if values else None,
                f"{name}_difference": None,
                f"{name}_noise": noise,
            }
    return row


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
    return f"Fitted here: {'; '.join(names)}. One network each.\n"


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
            change, noise = row[f"{name}_difference"], row[f"{name}_noise"]
            if more is None or change is None or abs(change) < max(LEAST, 2 * (noise or 0.0)):
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
            difference = "" if change is None else f" ({sign}{number(change, digits)})"
            line.append(number(row[name], digits) + difference)
        cells.append(line)
    noise = ["noise", *[number(rows[0][f"{name}_noise"], 3) for name in MEASURES]]
    yield markdown_table(heads, [*cells, noise])
