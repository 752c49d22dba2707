"""docs/evidence.md from what the parts found: the section each has written, its csv files and its figures.

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
SECTIONS = ("projections", "defaults")
HEAD = """# Evidence

Is what patternscope shows true? Everything below is computed by `make evidence` from studies of its own
(`evidence/studies.py`: three networks on two image sets, three seeds each) and written by `evidence/page.py`. The
tables are in [evidence](evidence) as csv.
"""


def main(names: Sequence[str] = SECTIONS) -> None:
    sections = [HEAD]
    for name in names:
        folder = RUNS / name
        if not (folder / "section.md").exists():
            print(f"{name}: nothing found yet; run python evidence/{name}.py")
            continue
        sections.append(_published(folder.name, (folder / "section.md").read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.csv")):
            _copy(path, DOCS / "evidence" / path.name)
    (DOCS / "evidence.md").write_text("\n".join(sections), encoding="utf-8")


def _published(name: str, section: str) -> str:
    """The section with its pictures among the others of the documentation."""
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
