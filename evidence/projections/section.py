"""The comparison of projections as tables, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from evidence.page import write_section
from evidence.projections.figure import draw
from evidence.tables import Row, markdown_table, number, seeds_text, spread_text, values_by

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
# The name of each measure in tables and sentences, and its title in the figure; None where only tables have it.
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
# Measures in which a sentence tells which projection is first.
STANDINGS = ("agreement", "sure_agreement", "discriminant_agreement", "orientation_agreement")
INTRODUCTION = """`python -m evidence projections`. Each projection maps the same sample features to three dimensions,
at its library's defaults. Strength is the distance from the origin; for projections whose origin has no meaning, from
their mean.

- *Correlation*: of strength with the entropy of the network's target probabilities; near −1 where strength tells how
  sure the network is.
- *Within a class*: the same, after the mean over the images of each predicted class is subtracted from both.
- *Agreement*: share of images for which the projection's own posterior (this method, DRPR), or a linear discriminant
  analysis fitted in it (the others), predicts the same class as the network.
- *Where sure*: the same for the half of the images whose two most likely classes are farthest apart.
- *Discriminant*: the same for all images, predicted by the discriminant analysis from every projection.
- *Orientation*: the same, predicted by the nearest mean orientation of a class, whatever the strength.
- *Neighbours*: the same, predicted by a vote of the 10 nearest images.
- *Trustworthiness*: how few neighbours are not neighbours in the feature space. *Separation*: silhouette of the
  predicted classes.

Means ± standard deviations over seeds of the network; in brackets those over five fits, where a fit has a seed.
"""
ACCOUNT = """
How to read this: t-SNE, UMAP and Isomap place these very samples by their neighbours, and a discriminant fitted to the
same samples separates them well; t-SNE cannot place any other image. This method is one linear map into three
dimensions, and its posterior has one direction for each class, the mean over the target probabilities: ten directions
on one sphere lie close together, those of classes that the network confuses closest. So it predicts another class than
the network mostly where the network itself is unsure: where it is sure, the two agree on {sure} of the images. With the
same discriminant as the others it agrees on {discriminant}.

At the same certainty some classes have more strength than others, most so on Fashion-MNIST: this is what lowers the
first correlation. Within a class it is {within}. So compare strengths of images of one class, and of two classes with
care. It is not strength that a projection adds: the norm of the raw feature correlates with the entropy about as well
as the best projection, on most networks better.
"""
CLOSE = 0.02  # by how much this method's correlation may fall short of the best projection's


def summarised(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row per projection, network, image set and set of images: means, spread over networks and over fits.

    The spread over networks is that of the means over fits; the spread over fits is the mean of the spreads within a
    network. Both are standard deviations, absent where there is one value only.
    """
    keys = ("images", "network", "projection", "on")
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    summary = []
    for group, members in groups.items():
        about: dict[str, Any] = dict(zip(keys, group, strict=True))
        for measure in MEASURES:
            about |= _spreads(measure, _by_network(members, measure))
        summary.append(about)
    return summary


def _by_network(rows: Sequence[Row], measure: str) -> list[list[float]]:
    """Values of a measure over fits, for each seed of the network that has any."""
    values = values_by(rows, ("seed",), measure).values()
    return [fits for fits in values if fits]


def _spreads(measure: str, values: list[list[float]]) -> dict[str, float | None]:
    """Mean and spreads of the values of each network."""
    means = [fmean(fits) for fits in values]
    within = [stdev(fits) for fits in values if len(fits) > 1]
    return {
        measure: fmean(means) if means else None,
        f"{measure}_networks": stdev(means) if len(means) > 1 else None,
        f"{measure}_fits": fmean(within) if within else None,
    }


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the two tables, the figure and section.md."""
    summary = summarised(rows)
    shown = [row for row in summary if row["on"] == "fitted"]
    titles = {name: title for name, (_, title) in MEASURES.items() if title is not None}
    write_section(
        folder,
        _section(summary, seeds_text(rows)),
        draw(shown, LABELS, titles),
        shown,
        projection_fits=rows,
        projections=summary,
    )


def _section(summary: Sequence[Row], seeds: str) -> list[str]:
    fitted = [row for row in summary if row["on"] == "fitted"]
    unseen = [row for row in summary if row["on"] == "unseen"]
    return [
        "## Beside other projections\n",
        INTRODUCTION,
        seeds,
        "On the images that the projections were fitted to:\n",
        *_verdicts(fitted),
        "\nOn images that they were not fitted to, for those that can place them (t-SNE cannot):\n",
        *_verdicts(unseen),
        _account(fitted),
        "\n![Measures of each projection](projections_figure.png)\n",
        "### Images that the projections were fitted to\n",
        *_tables(fitted),
        "### Images that they were not fitted to\n",
        "t-SNE cannot place other images. Neighbours are those among the fitted images.\n",
        *_tables(unseen),
    ]


def _account(fitted: Sequence[Row]) -> str:
    """The account, with the range of this method's values over networks and image sets."""

    def span(measure: str) -> str:
        values = sorted({number(row[measure]) for row in fitted if row["projection"] == "radial"})
        return values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}"

    return ACCOUNT.format(
        sure=span("sure_agreement"), discriminant=span("discriminant_agreement"), within=span("class_correlation")
    )


def _verdicts(fitted: Sequence[Row]) -> Iterable[str]:
    """For each network and image set: how this method compares in agreement, orientation and correlation."""
    for images, network in _pairs(fitted):
        rows = {r["projection"]: r for r in fitted if (r["images"], r["network"]) == (images, network)}
        others = {name: row for name, row in rows.items() if name not in {"raw", "radial", "radial_sgd"}}
        parts = [_standing(rows["radial"], others, name) for name in STANDINGS]
        strongest = min(others, key=lambda name: others[name]["correlation"] or 0.0)
        ours, best = (row["correlation"] or 0.0 for row in (rows["radial"], others[strongest]))
        near = "within" if ours - best <= CLOSE else "not within"
        known = [number(rows[name]["correlation"]) for name in ("radial_sgd", "raw")]
        yield (
            f"- {network} on {images}: {'; '.join(parts)}; correlation {number(ours)}, {near} {CLOSE} of the best "
            f"other ({LABELS[strongest]}, {number(best)}); {_standing(rows['radial'], others, 'class_correlation')}; "
            f"published solver {known[0]}, norm of the raw feature {known[1]}."
        )


def _standing(own: Row, others: Mapping[str, Row], measure: str) -> str:
    """This method's value of a measure beside that of the best other."""
    sign = -1 if measure.endswith("correlation") else 1
    best = max(others, key=lambda name: sign * (others[name][measure] or 0.0))
    value = others[best][measure] or 0.0
    ahead = sign * (round(own[measure], 2) - round(value, 2))
    verdict = "first, before" if ahead > 0 else "behind" if ahead < 0 else "level with"
    return f"{MEASURES[measure][0]} {number(own[measure])}, {verdict} {LABELS[best]} ({number(value)})"


def _tables(summary: Sequence[Row]) -> Iterable[str]:
    heads = ["projection", *[name for name, _ in MEASURES.values()]]
    for images, network in _pairs(summary):
        rows = [row for row in summary if (row["images"], row["network"]) == (images, network)]
        cells = [[LABELS[row["projection"]], *[spread_text(row, name) for name in MEASURES]] for row in rows]
        yield f"**{network}, {images}**\n\n{markdown_table(heads, cells)}"


def _pairs(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["images"], row["network"]) for row in rows))
