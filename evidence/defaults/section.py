"""Other values of the settings as tables, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from evidence.defaults.figure import draw
from evidence.page import write_section
from evidence.tables import Row, markdown_table, mean_of, number, value_text
from patternscope.knowledge import seed_spread

Settings = Mapping[str, tuple[Sequence[str], float]]
# Measure -> (name, whether more is better; None where neither is).
MEASURES: dict[str, tuple[str, bool | None]] = {
    "reliable": ("reliable points per image", None),
    "ratio": ("ratio", True),
    "ratio_unseen": ("ratio, unseen images", True),
    "precision": ("reliable points on the object", True),
    "deletion": ("deletion area of p", False),
    "agreement": ("agreement with the network", True),
    "correlation": ("strength and uncertainty", False),
}
INTRODUCTION = """`python -m evidence defaults`. One setting is changed at a time; the others keep their defaults.
Each value is fitted to the last two layers of networks on pictograms and on Fashion-MNIST, and judged by what
[evidence.md](evidence.md) measures: the ratio of reliable points on the images fitted to and on unseen ones, how much
of the reliable points lies on the object (pictograms), the area under the deletion curve of p (mean colour; smaller
is better), and for the sample embedding its agreement with the network and the correlation of strength and
uncertainty (nearer to −1 is better).

Numbers are means over networks, image sets and layers; *difference* is the mean of the differences from the defaults
in the same network, image set and layer. *Noise* is the standard deviation over seeds of the fits of the defaults. A
value is called better or worse where the difference is more than twice its noise and at least 0.01. What was chosen,
and why, is in [decisions.md](decisions.md), number 33.
"""
LEAST = 0.01
_KEYS = ("images", "network", "layer")


def compared(rows: Sequence[Row], settings: Settings) -> list[Row]:
    """Return a row per setting and value: means, mean differences from the default in the same layer, their noise."""
    defaults: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["setting"] == "":
            defaults.setdefault(_layer_of(row), []).append(row)
    comparison = []
    for setting, (_, default) in settings.items():
        tried = [row for row in rows if row["setting"] == setting]
        for value in sorted({row["value"] for row in tried} | {default}):
            of_value = [row for row in tried if row["value"] == value]
            # Where a layer cannot have a value, as a coarse grid, it is compared in the other layers alone.
            layers = dict.fromkeys(map(_layer_of, of_value or tried))
            about = {"setting": setting, "value": value, "default": value == default}
            comparison.append({**about, **_compared_row(of_value, [defaults[layer] for layer in layers])})
    return comparison


def _layer_of(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in _KEYS)


def _compared_row(tried: Sequence[Row], defaults: Sequence[Sequence[Row]]) -> dict[str, float | None]:
    """Means of the measures, differences from the defaults of each layer, and the noise of such a difference."""
    row: dict[str, float | None] = {"layers": len(defaults)}
    for name in MEASURES:
        means = [mean_of(seeds, name) for seeds in defaults]
        known = [mean for mean in means if mean is not None]
        gaps = [
            own[name] - mean
            for own, mean in zip(tried, means, strict=bool(tried))
            if own[name] is not None and mean is not None
        ]
        row |= {
            name: mean_of(tried, name) if tried else fmean(known) if known else None,
            f"{name}_difference": fmean(gaps) if gaps else None,
            f"{name}_noise": _noise(name, defaults),
        }
    return row


def _noise(name: str, defaults: Sequence[Sequence[Row]]) -> float | None:
    """The standard deviation of the difference between one fit and the mean of several, in so many layers."""
    spreads = [seed_spread([row[name] for row in seeds]) for seeds in defaults]
    known = [spread for spread in spreads if spread is not None]
    if not known:
        return None
    return (sum(spread**2 for spread in known) * (1 + 1 / len(defaults[0]))) ** 0.5 / len(known)


def write(folder: Path, rows: Sequence[Row], settings: Settings) -> None:
    """Write the two tables, the figure and section.md."""
    comparison = compared(rows, settings)
    text = [
        "## One setting at a time\n",
        INTRODUCTION,
        _fitted_on(rows),
        "![Measures by value of each setting](defaults_figure.png)\n",
    ]
    for setting, (paths, default) in settings.items():
        own = [row for row in comparison if row["setting"] == setting]
        heading = f"### {setting[:1].upper()}{setting[1:]}\n"
        text += [heading, _described(paths, default), *_verdicts(own), "", _table(own)]
    write_section(folder, text, draw(comparison), comparison, defaults_fits=rows, defaults=comparison)


def _fitted_on(rows: Sequence[Row]) -> str:
    names = dict.fromkeys(f"{row['network']} on {row['images']}, {row['layer']}" for row in rows)
    return f"Fitted here: {'; '.join(names)}. One network each.\n"


def _described(paths: Sequence[str], default: float) -> str:
    named = " and ".join(f"`{path}`" for path in paths)
    if paths[0].endswith("scale"):
        return f'{named}; factors of the scale that `"auto"` is, which is the default.\n'
    if paths[0] == "network.grid":
        return f"{named}; by default each layer's own, 8 x 8 and 4 x 4 here. Not all layers have a coarser one.\n"
    return f"{named}, default {default:g}.\n"


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """For each other value: which measures are better and which worse than at the default."""
    for row in rows:
        if row["default"]:
            continue
        better, worse = [], []
        for name, (text, more) in MEASURES.items():
            change, noise = row[f"{name}_difference"], row[f"{name}_noise"]
            if more is None or change is None or abs(change) < max(LEAST, 2 * (noise or 0.0)):
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
    noise = ["noise", *[number(rows[0][f"{name}_noise"], 3) for name in MEASURES]]
    return markdown_table(heads, [*cells, noise])


def _cell(row: Row, name: str) -> str:
    """A mean, and its difference from the default in brackets."""
    digits = 1 if name == "reliable" else 3
    change = row[f"{name}_difference"]
    if change is None:
        return number(row[name], digits)
    sign = "+" if round(change, digits) > 0 else ""
    return f"{number(row[name], digits)} ({sign}{number(change, digits)})"
