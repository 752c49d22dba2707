"""The pages docs/evidence.md and docs/defaults.md: each claim writes a section, and the page collects them.

python -m evidence page

A section lies in runs/evidence/CLAIM: section.md (a heading of the second level, sentences, tables), and the csv and
png files that belong to it. A picture is named in section.md by its file alone. What was not measured here stays on its
page as it was, and is marked.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.studies import HERE, RUNS
from evidence.tables import Row
from patternscope.figures.drawing.saving import save_figure
from patternscope.results.json_csv import write_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = HERE.parent / "docs"
EARLIER = "*Measured with an earlier version, and not again since.*"
EVIDENCE_HEAD = """# Evidence

Is what patternscope shows true? Everything below is computed by `make evidence` from studies of its own
(`evidence/studies.py`) and written by `evidence/page.py`; each section names its command, its networks and its
images. The tables are in [evidence](evidence) as csv. What other objectives, dimensions and settings would do is in
[defaults.md](defaults.md).

To judge a number of your own study, read [how far to trust a number](how-to/trust.md). In short, what was found here:

- **Nothing is found where there is nothing.** With targets permuted over the images, no layer has evidence or a
  knowledge point. If the weights of a network are replaced by random ones, from the last layer down, evidence falls
  layer by layer to what untrained features show: up to 0.8 bits on Fashion-MNIST and digits, 0.02 on pictograms. A
  linear probe finds the same.
- **Little is missed.** Evidence is measured on images that the map of the layer was not fitted to, and nearly reaches
  what a linear probe can read.
- **Probabilities are calibrated.** The calibration error is below 0.05 in all but one of the 54 layers of 18 networks
  (there it is 0.06), and at most 0.06 on images that nothing was fitted to.
- **Intervals hold on other images.** Evidence of 250 samples and of 250 images that nothing was fitted to differs by no
  more than both intervals allow in 98 % of the cases; the ratio and the reliable points do in all cases.
- **Fits repeat.** A fit has no random part. Maps of two disjoint halves of the images agree on most of the points of
  the last two layers, and on fewer in layers with little evidence. Dividing the images into other halves changes a
  ratio by less than its interval.
- **Trainings do not.** Another training of the same network changes evidence by more than other images do in 12 of 18
  layers, and changes which regions are points: train more than one network before you compare.
- **The network depends on what is shown**, more on pictograms than on Fashion-MNIST. In a last layer, Grad-CAM orders
  regions a little better on pictograms, and not better on Fashion-MNIST. If deletion keeps images close to those of the
  training, evidence orders regions better than chance in 10 of 12 layers, and worse in none.
- **Points lie on the object** 2.4 to 4.6 times as often as by chance in vgg16_slim and in the lowest layer of the other
  networks, but only 1.1 to 1.4 times in the two deeper layers of resnet18 and mobilenet_v2: there, a region beside the
  object often predicts the class too.
- **A planted shortcut shows** in every layer once the network relies on it. Points appear on the planted patch, and in
  regions around it whose receptive field covers it.
- **The sample embedding agrees with a confident network.** Where the network is confident, both predict the same class;
  within a class, the length of a vector follows the network's certainty. The length of the feature itself does so as
  well. To see which images are near each other, use t-SNE or UMAP.
"""
DEFAULTS_HEAD = """# Defaults

Which objective the regional embedding is fitted by, in how many dimensions, and what other values of the settings
would change. `python -m evidence objectives dimensions defaults page` repeats this page's numbers; `make evidence`
runs it with the others. What was chosen, and why, is in [decisions.md](decisions.md), numbers 48, 51 and 83.
"""


@dataclass(frozen=True)
class Page:
    """A page of the documentation: its file, how it begins, and the heading of each claim's section, in order."""

    file: str
    head: str
    headings: Mapping[str, str]


PAGES = (
    Page(
        "evidence.md",
        EVIDENCE_HEAD,
        {
            "sanity": "Does it find knowledge where there can be none?",
            "repeats": "Is the evidence of a layer the same when it is fitted again?",
            "unfamiliar": "A network and images that no default was tuned on",
            "capped": "Deletion with images close to those of the training",
            "projections": "Beside other projections",
            "faithfulness": "Does the network depend on what is shown?",
            "ground_truth": "Do the points lie on the object?",
            "shortcut": "Does a shortcut show?",
            "uncertainty": "How far may a number be off?",
        },
    ),
    Page(
        "defaults.md",
        DEFAULTS_HEAD,
        {
            "objectives": "Objectives of the regional fit",
            "dimensions": "Dimensions",
            "defaults": "One setting at a time",
        },
    ),
)
SECTIONS = tuple(claim for page in PAGES for claim in page.headings)


def write_section(
    folder: Path, text: Iterable[str], figure: "Figure | None", shown: Sequence[Row], **tables: Sequence[Row]
) -> None:
    """Write section.md, a csv file for each table, and the figure, if there is one, with the rows that it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_rows(folder / f"{name}.csv", rows)
    if figure is not None:
        save_figure(figure, folder, f"{folder.name}_figure", rows=shown, settings={}, dpi=200)
    (folder / "section.md").write_text("\n".join(text), encoding="utf-8")


def main(words: Sequence[str] = ()) -> None:
    for page in PAGES:
        file = DOCS / page.file
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        sections = [
            section
            for claim, heading in page.headings.items()
            if (section := _published(claim) or kept_section(before, heading))
        ]
        file.write_text("\n".join([page.head, *(f"{section.rstrip()}\n" for section in sections)]), encoding="utf-8")


def kept_section(page: str, heading: str) -> str | None:
    """Return the section of a page under a heading of the second level, marked as of an earlier version.

    None where the page has no such section.

    >>> print(kept_section("# Page\\n\\n## One\\n\\nText.\\n\\n## Two\\n", "One"))
    ## One
    <BLANKLINE>
    *Measured with an earlier version, and not again since.*
    <BLANKLINE>
    Text.
    """
    parts = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    text = next((part.removeprefix(heading).strip() for part in parts if part.startswith(f"{heading}\n")), None)
    if text is None:
        return None
    return f"## {heading}\n\n{EARLIER}\n\n{text.removeprefix(EARLIER).strip()}"


def _published(claim: str) -> str | None:
    """The section of a claim, its tables and pictures copied to the documentation; None where nothing was measured."""
    folder = RUNS / claim
    if not (folder / "section.md").exists():
        print(f"{claim}: not measured here, so that what the page has is kept; run python -m evidence {claim}")
        return None
    section = (folder / "section.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.csv")):
        if not path.with_suffix(".png").exists():  # what a figure shows is in another table
            _copy(path, DOCS / "evidence" / path.name)
    for path in sorted(folder.glob("*.png")):
        if path.name in section:
            published = f"evidence_{path.name}"
            _copy(path, DOCS / "images" / published)
            section = section.replace(f"({path.name})", f"(images/{published})")
    return section


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
