"""Runs the toy study on a disk of one page, three, and so on, and again with more room; then with room for few files.

    python filling_disk.py FOLDER         in a mount name space of its own

Prints a line of JSON for each: what was said when the disk was full (null when it was not), how many units were kept,
and a digest of the study that the second run ended with.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.workflow.cache_keys import text_digest
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units

PAGES = range(1, 53, 2)
INODES = range(3, 90, 3)
ROOM = "size=8m,nr_inodes=10000"


def mount(disk: Path, options: str) -> None:
    """Give the disk another size."""
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def run(study: Path) -> str | None:
    """Run the study; what is wrong with the disk."""
    try:
        run_units(study, make_plan(Toy(), STAGES, AXES))
    except InputError as error:
        return str(error)
    return None


def digest_of(study: Path) -> str:
    """A digest of all units."""
    return text_digest(str(sorted(contents(study).items())))


def main(folder: str) -> None:
    disk, study = Path(folder), Path(folder, "s")
    subprocess.run(["mount", "-t", "tmpfs", "-o", ROOM, "tmpfs", disk], check=True)
    limits = [f"size={4 * count}k" for count in PAGES] + [f"nr_inodes={count}" for count in INODES]
    for limit in limits:
        mount(disk, limit)
        said = run(study)
        left = [path.name for path in disk.rglob("*") if path.name.startswith(".partial")]
        kept = len(list(study.rglob("manifest.json")))
        mount(disk, ROOM)
        again = run(study)
        found = {"limit": limit, "said": said, "left": left, "kept": kept, "again": again}
        print(json.dumps({**found, "digest": digest_of(study)}), flush=True)
        shutil.rmtree(study, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
