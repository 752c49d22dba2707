"""The pages docs/evidence.md and docs/defaults.md: each claim writes a section, and the page collects them.

python -m evidence page

A section lies in runs/evidence/CLAIM: section.md (a heading of the second level, sentences, tables), and the csv and
png files that belong to it. A picture is named in section.md by its file alone.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.studies import HERE, RUNS
from evidence.tables import Row
from patternscope.figures.drawing.saving import save_figure
from patternscope.results.json_csv import write_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = HERE.parent / "docs"
# In the order of the page.
SECTIONS = ("projections", "faithfulness", "ground_truth", "shortcut", "uncertainty")
HEAD = """# Evidence

Is what patternscope shows true? Everything below is computed by `make evidence` from studies of its own
(`evidence/studies.py`: three networks on two image sets, up to three seeds each) and written by `evidence/page.py`. The
tables are in [evidence](evidence) as csv. From nothing that takes about an hour on two cores; a second run on the same
kind of machine ended with the same bytes. What other values of the settings would do is in [defaults.md](defaults.md).

In short:

- The network depends on the regions whose knowledge points are of the image's class. Removed first, they cost far more
  probability than regions at random on pictograms, more on blurred Fashion-MNIST, and on Fashion-MNIST with the mean
  colour no order makes much of a difference. In a last layer Grad-CAM orders regions as well or a little better.
- Reliable points lie on the object about two to four times as often as by chance.
- A planted shortcut that decides a class shows, with more points the stronger it is; in deep layers also beside the
  patch, in regions whose receptive field covers it.
- Where the network is sure, the sample embedding predicts the same class, and within a class strength follows its
  certainty. To see which images are near each other take t-SNE or UMAP; strength alone is as good without a projection.
- The ratio of reliable points is the same on images that no map was fitted to. Another seed of the fit changes little;
  another seed of the network changes which regions are points, and by how much: train more than one before you compare.
"""


def write_section(
    folder: Path, text: Iterable[str], figure: "Figure", shown: Sequence[Row], **tables: Sequence[Row]
) -> None:
    """Write section.md, a csv file for each table, and the figure with the rows that it shows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_rows(folder / f"{name}.csv", rows)
    save_figure(figure, folder, f"{folder.name}_figure", rows=shown, settings={}, dpi=200)
    (folder / "section.md").write_text("\n".join(text), encoding="utf-8")


def main(words: Sequence[str] = ()) -> None:
    sections = [section for name in SECTIONS if (section := _published(name))]
    (DOCS / "evidence.md").write_text("\n".join([HEAD, *sections]), encoding="utf-8")
    if defaults := _published("defaults"):
        (DOCS / "defaults.md").write_text(defaults, encoding="utf-8")


def _published(claim: str) -> str | None:
    """The section of a claim, its tables and pictures copied to the documentation; None where nothing was measured."""
    folder = RUNS / claim
    if not (folder / "section.md").exists():
        print(f"{claim}: not measured yet; run python -m evidence {claim}")
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
