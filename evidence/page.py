"""docs/evidence.md and docs/defaults.md from what the parts found: the section each has written, csv files, figures.

python evidence/page.py

A part writes into runs/evidence/NAME: section.md (a heading of the second level, sentences, tables), and the csv and
png files that belong to it. A picture is named in section.md by its file alone.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from studies import HERE, RUNS

DOCS = HERE.parent / "docs"
# In the order of the page.
SECTIONS = ("projections", "faithfulness", "ground_truth", "shortcut", "uncertainty")
HEAD = """# Evidence

Is what patternscope shows true? Everything below is computed by `make evidence` from studies of its own
(`evidence/studies.py`: three networks on two image sets, up to three seeds each) and written by `evidence/page.py`. The
tables are in [evidence](evidence) as csv. From nothing that takes about an hour on two cores; a second run on the same
kind of machine ended with the same bytes. What other values of the settings would do is in [defaults.md](defaults.md).

In short:

- The network depends on the regions that are shown as knowing. Taken away first, they cost far more than regions at
  random on pictograms, more on blurred Fashion-MNIST, and on Fashion-MNIST with the mean colour no order tells much.
  In a last layer Grad-CAM orders regions as well or a little better.
- Reliable points lie on the object about two to four times as often as by chance.
- A planted shortcut that decides a class shows, with more points the stronger it is; in deep layers also beside the
  patch, in regions that see it.
- Where the network is sure, the sample embedding decides as it does, and within a class strength follows its certainty.
  For who is near whom take t-SNE or UMAP; strength alone is as good without any projection.
- The ratio of reliable points is the same on images that no map was fitted to. Another seed of the fit changes little;
  another seed of the network changes which regions know, and by how much: train more than one before you compare.
"""


def main(names: Sequence[str] = SECTIONS) -> None:
    sections = [section for name in names if (section := _published(name))]
    (DOCS / "evidence.md").write_text("\n".join([HEAD, *sections]), encoding="utf-8")
    if defaults := _published("defaults"):
        (DOCS / "defaults.md").write_text(defaults, encoding="utf-8")


def _published(name: str) -> str | None:
    """The section of a part, its tables and pictures copied to the documentation; None where it found nothing yet."""
    if not (RUNS / name / "section.md").exists():
        print(f"{name}: nothing found yet; run python evidence/{name}.py")
        return None
    section = (RUNS / name / "section.md").read_text(encoding="utf-8")
    for path in sorted((RUNS / name).glob("*.csv")):
        if not path.with_suffix(".png").exists():  # what a figure shows is in another table
            _copy(path, DOCS / "evidence" / path.name)
    for path in sorted((RUNS / name).glob("*.png")):
        if path.name in section:
            shown = f"evidence_{path.name}"
            _copy(path, DOCS / "images" / shown)
            section = section.replace(f"({path.name})", f"(images/{shown})")
    return section


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


if __name__ == "__main__":
    main()
