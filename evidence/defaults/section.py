"""Other values of the settings as tables, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from evidence.defaults.figure import draw
from evidence.page import write_section
from evidence.tables import Row, markdown_table, measured_on, number, value_text
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.replicates import over_networks

Settings = Mapping[str, tuple[str, float]]
# Measure -> (name, whether more is better; None where neither is).
MEASURES: dict[str, tuple[str, bool | None]] = {
    "evidence": ("evidence", True),
    "error": ("calibration error", False),
    "reliable": ("reliable points per image", None),
    "ratio": ("ratio", True),
    "shared": ("shared by halves", True),
    "on_object": ("reliable points on the object", True),
    "deletion": ("deletion area of p", False),
    "agreement": ("agreement with the network", True),
    "correlation": ("strength and uncertainty", False),
}
INTRODUCTION = """`python -m evidence defaults`. One setting is changed at a time; the others keep their defaults.
Each value is fitted to part of the samples in each layer and judged on the other samples, by what
[evidence.md](evidence.md) measures: evidence in bits, calibration error, reliable points and their ratio, the points
that two halves share, how many of the reliable points lie on the object (pictograms), the area under the deletion
curve of p (mean colour; smaller is better), and for the sample embedding its agreement with the network and the
correlation of strength and uncertainty (nearer to −1 is better).

Numbers are means over networks and image sets, of the mean over layers. In brackets is the mean difference from the
defaults in the same layers, ± half its 95 % interval over networks (Student's t). A value is called better or worse
where this interval excludes 0 and the difference is at least 0.01. Some {chance:.0f} of the {compared} intervals here
exclude 0 by chance. Networks of an image set share their images, so that other images may differ by more. Objectives
are compared in the first section, dimensions in the second.
"""
LEAST = 0.01
_KEYS = ("images", "network", "layer")


def compared(rows: Sequence[Row], settings: Settings) -> list[Row]:
    """Return a row per setting and value: means, and mean differences from the defaults with their intervals."""
    defaults = {_layer_of(row): row for row in rows if row["setting"] == ""}
    comparison = []
    for setting, (_, default) in settings.items():
        tried = [row for row in rows if row["setting"] == setting]
        for value in sorted({row["value"] for row in tried} | {default}):
            # Where a layer cannot have a value, as a coarse grid, the value is compared in the other layers alone.
            of_value = [row for row in tried if row["value"] == value] if value != default else list(defaults.values())
            about = {"setting": setting, "value": value, "default": value == default}
            comparison.append({**about, **_compared_row(of_value, defaults)})
    return comparison


def _layer_of(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in _KEYS)


def _compared_row(tried: Sequence[Row], defaults: Mapping[tuple[str, ...], Row]) -> Row:
    """Means of the measures over networks, their differences from the defaults, and half the interval of these."""
    networks: dict[tuple[str, ...], list[Row]] = {}
    for row in tried:
        networks.setdefault(_layer_of(row)[:2], []).append(row)
    found: dict[str, float | None] = {"networks": len(networks), "layers": len(tried)}
    for name in MEASURES:
        means, gaps = [], []
        for own in networks.values():
            known = [(row[name], defaults[_layer_of(row)][name]) for row in own]
            pairs = [(value, default) for value, default in known if value is not None and default is not None]
            if pairs:
                means.append(fmean(value for value, _ in pairs))
                gaps.append(fmean(value - default for value, default in pairs))
        found |= {
            name: fmean(means) if means else None,
            f"{name}_difference": fmean(gaps) if gaps else None,
            f"{name}_half": _half_interval(gaps),
        }
    return found


def _half_interval(gaps: Sequence[float]) -> float | None:
    """Half the 95 % interval of a mean over networks; None for fewer than two."""
    if len(gaps) < 2:
        return None
    mean = over_networks([Interval(gap, gap, gap) for gap in gaps])
    return None if mean.value is None or mean.low is None else mean.value - mean.low


def write(folder: Path, rows: Sequence[Row], settings: Settings) -> None:
    """Write the two tables, the figure and section.md."""
    comparison = compared(rows, settings)
    judged = [name for name, (_, more) in MEASURES.items() if more is not None]
    # A setting of the regional fit does not touch the sample embedding: its differences are 0 and no test.
    tested = sum(bool(row[f"{name}_half"]) for row in comparison if not row["default"] for name in judged)
    text = [
        "## One setting at a time\n",
        INTRODUCTION.format(chance=0.05 * tested, compared=tested),
        measured_on(rows),
        "![Measures by value of each setting](defaults_figure.png)\n",
    ]
    for setting, (key, default) in settings.items():
        own = [row for row in comparison if row["setting"] == setting]
        heading = f"### {setting[:1].upper()}{setting[1:]}\n"
        text += [heading, _described(key, default), *_verdicts(own), "", _table(own)]
    write_section(folder, text, draw(comparison), comparison, defaults_layers=rows, defaults=comparison)


def _described(key: str, default: float) -> str:
    if key.endswith("scale"):
        return f'`{key}`; factors of the scale that `"auto"` is, which is the default.\n'
    if key == "network.grid":
        return f"`{key}`; *own* is 8 in vgg16_slim and each layer's own in the others. Only finer layers have others.\n"
    return f"`{key}`, default {default:g}.\n"


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """For each other value: which measures are better and which worse than at the default."""
    for row in rows:
        if row["default"]:
            continue
        if all(row[f"{name}_half"] is None for name in MEASURES):
            yield f"- {value_text(row['value'])}: not judged, since an interval takes two networks."
            continue
        better, worse = [], []
        for name, (text, more) in MEASURES.items():
            change, half = row[f"{name}_difference"], row[f"{name}_half"]
            if more is None or change is None or half is None or abs(change) < LEAST or abs(change) <= half:
                continue
            (better if (change > 0) == more else worse).append(f"{text} ({number(change)})")
        parts = [f"{word}: {', '.join(names)}" for word, names in (("better", better), ("worse", worse)) if names]
        yield f"- {value_text(row['value'])}: {'; '.join(parts) or 'no measure differs'}."


def _table(rows: Sequence[Row]) -> str:
    heads = ["value", *[text for text, _ in MEASURES.values()]]
    cells = []
    for row in rows:
        value = value_text(row["value"]) + (" (default)" if row["default"] else "")
        cells.append([value, *[_cell(row, name) for name in MEASURES]])
    return markdown_table(heads, cells)


def _cell(row: Row, name: str) -> str:
    """A mean, and in brackets its difference from the default with half the interval."""
    digits = 1 if name == "reliable" else 3
    change, half = row[f"{name}_difference"], row[f"{name}_half"]
    if row["default"] or change is None:
        return number(row[name], digits)
    sign = "+" if round(change, digits) > 0 else ""
    return f"{number(row[name], digits)} ({sign}{number(change, digits)} ± {number(half, digits)})"
