"""What the comparison of projections found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from projections_figure import draw
from tables import markdown_table, number, seeds_text, spread_text

from patternscope.figures.saving import save_figure
from patternscope.results.json_csv import write_rows

Row = Mapping[str, Any]
LABELS = {
    "radial": "this method",
    "radial_sgd": "this method, published solver",
    "drpr": "DRPR",
    "raw": "no projection",
    "pca": "PCA",
    "tsne": "t-SNE",
    "lle": "LLE",
    "isomap": "Isomap",
    "umap": "UMAP",
}
# What tables and sentences call each measure, and its title in the figure; None where it stands in the tables alone.
MEASURES: dict[str, tuple[str, str | None]] = {
    "correlation": ("correlation", "strength and uncertainty (correlation)"),
    "class_correlation": ("within a class", "the same (within a class)"),
    "agreement": ("agreement", "agreement (own reader)"),
    "sure_agreement": ("where sure", "agreement (where sure)"),
    "discriminant_agreement": ("discriminant", "agreement (discriminant)"),
    "orientation_agreement": ("orientation", None),
    "neighbour_agreement": ("neighbours", None),
    "trustworthiness": ("trustworthiness", "trustworthiness (5 nearest)"),
    "separation": ("separation", "class separation (silhouette)"),
}
# In which a sentence says who is first.
STANDINGS = ("agreement", "sure_agreement", "discriminant_agreement", "orientation_agreement")
INTRODUCTION = """`python evidence/projections.py`. Each projection takes the same sample features to three dimensions,
at its library's defaults. Strength is the distance from the origin; for projections whose origin means nothing, from
their mean.

- *Correlation*: of strength with the entropy of the network's target probabilities; near −1 where strength says how
  sure the network is.
- *Within a class*: the same, both less their means over the images that the network decides alike.
- *Agreement*: share of images for which the projection's own posterior (this method, DRPR), or a linear discriminant
  analysis fitted in it (the others), decides as the network does.
- *Where sure*: the same for the half of the images whose two most likely classes are farthest apart.
- *Discriminant*: the same for all images, read by the discriminant analysis from every projection.
- *Orientation*: the same, decided by the nearest mean orientation of a class, whatever the strength.
- *Neighbours*: the same, decided by a vote of the 10 nearest images.
- *Trustworthiness*: how few neighbours are none in the feature space. *Separation*: silhouette of the decided classes.

Means ± standard deviations over seeds of the network; in brackets those over five fits, where a fit has a seed.
"""
ACCOUNT = """
How to read this: t-SNE, UMAP and Isomap place these very samples by their neighbours, and a discriminant fitted to the
same samples reads them well; t-SNE has no place for any other image. This method is one linear map into three
dimensions, and its posterior has one direction for each class, the mean over the target probabilities: ten directions
on one sphere lie close together, those of classes that the network confuses closest. So it decides otherwise than the
network mostly where the network itself hardly decides: where it is sure, the two agree on {sure} of the images.
Read by the same discriminant as the others it agrees on {discriminant}.

At the same certainty some classes have more strength than others, most so on Fashion-MNIST: this is what the first
correlation loses by. Within a class it is {within}. So compare strengths of images of one class, and of two classes
with care. Strength alone is not what a projection adds: the norm of the raw feature correlates with the entropy about
as well as the best projection, on most networks better.
"""
CLOSE = 0.02  # by how much this method's correlation may be behind the best projection's


def summarised(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A row a projection, network, image set and set of images: means, spread over networks, spread over fits.

    The spread over networks is that of the means over fits; the spread over fits is the mean of the spreads within a
    network. Both are standard deviations, absent where there is one value only.
    """
    keys = ("images", "network", "projection", "on")
    found = []
    for group in dict.fromkeys(tuple(row[key] for key in keys) for row in rows):
        members = [row for row in rows if tuple(row[key] for key in keys) == group]
        summary: dict[str, Any] = dict(zip(keys, group, strict=True))
        for measure in MEASURES:
            summary |= _spreads(measure, _by_network(members, measure))
        found.append(summary)
    return found


def _by_network(rows: Sequence[Row], measure: str) -> list[list[float]]:
    """Values of a measure over fits, for each seed of the network that has any."""
    seeds = dict.fromkeys(row["seed"] for row in rows)
    found = [[row[measure] for row in rows if row["seed"] == s and row[measure] is not None] for s in seeds]
    return [values for values in found if values]


def _spreads(measure: str, values: list[list[float]]) -> dict[str, float | None]:
    means = [fmean(each) for each in values]
    within = [stdev(each) for each in values if len(each) > 1]
    return {
        measure: fmean(means) if means else None,
        f"{measure}_networks": stdev(means) if len(means) > 1 else None,
        f"{measure}_fits": fmean(within) if within else None,
    }


def write_findings(folder: Path, rows: Sequence[Row]) -> None:
    """Write fits.csv, projections.csv, projections.png and section.md."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = summarised(rows)
    write_rows(folder / "projection_fits.csv", rows)
    write_rows(folder / "projections.csv", summary)
    shown = [row for row in summary if row["on"] == "fitted"]
    drawn = {name: title for name, (_, title) in MEASURES.items() if title is not None}
    save_figure(draw(shown, LABELS, drawn), folder, "projections_figure", rows=shown, settings={}, dpi=200)
    (folder / "section.md").write_text(_section(summary, seeds_text(rows)), encoding="utf-8")


def _section(summary: Sequence[Row], seeds: str) -> str:
    fitted = [row for row in summary if row["on"] == "fitted"]
    unseen = [row for row in summary if row["on"] == "unseen"]
    parts = [
        "## Beside other projections\n",
        INTRODUCTION,
        seeds,
        "On the images that the projections were fitted to:\n",
        *_verdicts(fitted),
        "\nOn images that they were not fitted to, for those that have a place for them (t-SNE has none):\n",
        *_verdicts(unseen),
        _account(fitted),
        "\n![Measures of each projection](projections_figure.png)\n",
        "### Images that the projections were fitted to\n",
        *_tables(fitted),
        "### Images that they were not fitted to\n",
        "t-SNE has no place for other images. Neighbours are those among the fitted images.\n",
        *_tables(unseen),
    ]
    return "\n".join(parts)


def _account(fitted: Sequence[Row]) -> str:
    """The account, with the range of this method's values over networks and image sets."""

    def span(measure: str) -> str:
        values = sorted({number(row[measure]) for row in fitted if row["projection"] == "radial"})
        return values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"

    return ACCOUNT.format(
        sure=span("sure_agreement"),
        discriminant=span("discriminant_agreement"),
        within=span("class_correlation"),
    )


def _verdicts(fitted: Sequence[Row]) -> Iterable[str]:
    """For each network and image set: where this method stands in agreement, orientation and correlation."""
    for images, network in _pairs(fitted):
        rows = {r["projection"]: r for r in fitted if (r["images"], r["network"]) == (images, network)}
        others = {name: row for name, row in rows.items() if name not in {"raw", "radial", "radial_sgd"}}
        parts = [_standing(rows["radial"], others, name) for name in STANDINGS]
        strongest = min(others, key=lambda name: others[name]["correlation"] or 0.0)
        ours, best = (each["correlation"] or 0.0 for each in (rows["radial"], others[strongest]))
        near = "within" if ours - best <= CLOSE else "not within"
        known = [number(rows[name]["correlation"]) for name in ("radial_sgd", "raw")]
        yield (
            f"- {network} on {images}: {'; '.join(parts)}; correlation {number(ours)}, {near} {CLOSE} of the best "
            f"other ({LABELS[strongest]}, {number(best)}); {_standing(rows['radial'], others, 'class_correlation')}; "
            f"published solver {known[0]}, norm of the raw feature {known[1]}."
        )


def _standing(ours: Row, others: Mapping[str, Row], measure: str) -> str:
    """This method's value of a measure, and who is before it."""
    sign = -1 if measure.endswith("correlation") else 1
    best = max(others, key=lambda name: sign * (others[name][measure] or 0.0))
    value = others[best][measure] or 0.0
    ahead = sign * (round(ours[measure], 2) - round(value, 2))
    verdict = "first, before" if ahead > 0 else "behind" if ahead < 0 else "level with"
    return f"{MEASURES[measure][0]} {number(ours[measure])}, {verdict} {LABELS[best]} ({number(value)})"


def _tables(summary: Sequence[Row]) -> Iterable[str]:
    heads = ["projection", *[name for name, _ in MEASURES.values()]]
    for images, network in _pairs(summary):
        rows = [row for row in summary if (row["images"], row["network"]) == (images, network)]
        cells = [[LABELS[row["projection"]], *[spread_text(row, name) for name in MEASURES]] for row in rows]
        yield f"**{network}, {images}**\n\n{markdown_table(heads, cells)}"


def _pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["images"], row["network"]) for row in rows))
