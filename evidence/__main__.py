"""`make evidence`: every part in turn, then docs/evidence.md and docs/defaults.md; what is up to date is reused.

python -m evidence [PART ...] [--studies WORD ...]     all parts, or those named
"""

import argparse
import importlib
import time
from collections.abc import Sequence

from evidence.page import SECTIONS
from evidence.progress import duration
from patternscope.errors import nearest

CLAIMS = SECTIONS
# The usual minutes on two cores, for the estimated time alone. Studies come first, the page last.
MINUTES: dict[str, float] = {
    "studies": 24,
    "sanity": 5,
    "repeats": 3,
    "unfamiliar": 3,
    "capped": 2,
    "projections": 10,
    "faithfulness": 12,
    "ground_truth": 2,
    "shortcut": 6,
    "uncertainty": 1,
    "objectives": 8,
    "dimensions": 12,
    "defaults": 8,
    "page": 0,
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m evidence", description="What the method is worth, measured.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"by default all: {', '.join(MINUTES)}")
    parser.add_argument(
        "--studies", nargs="+", default=(), metavar="WORD", help="only studies with one of the words in their names"
    )
    asked = parser.parse_args(arguments)
    for name in asked.parts:
        if name not in MINUTES:
            parser.error(f"part: expected one of {', '.join(MINUTES)}, got {name!r}; {nearest(name, list(MINUTES))}")
    run([name for name in MINUTES if not asked.parts or name in asked.parts], asked.studies)


def run(parts: Sequence[str], words: Sequence[str]) -> None:
    """Run parts in turn, of all studies or of those whose names contain one of the words."""
    begun = time.perf_counter()
    for place, name in enumerate(parts):
        left = sum(MINUTES[part] for part in parts[place:])
        print(f"{name}: part {place + 1} of {len(parts)}; about {left:.0f} min left", flush=True)
        module = f"evidence.{name}.measurement" if name in CLAIMS else f"evidence.{name}"
        importlib.import_module(module).main(words)
    print(f"done in {duration(time.perf_counter() - begun)}: runs/evidence, docs/evidence.md, docs/defaults.md")


if __name__ == "__main__":
    main()
