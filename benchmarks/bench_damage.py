"""One random file of a finished study is damaged: what does each reader make of it? The table of docs/reliability.md.

    python benchmarks/bench_damage.py [DAMAGES [STUDY]]

200 by default, of a study of squares with all pages, which is made first. STUDY is another finished one on the disk of
temporary files; it is copied. Exit code 1 where a reader gave other numbers without a word, or a traceback.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "tests/readers"))
from every_reader import READERS, Attempt, Damages
from foreign_study import make_study

from patternscope.api.stages import pages_of

VERDICTS = ("detected", "mended", "harmless", "missed")


def table(title: str, attempts: list[Attempt], field: str) -> None:
    """Print how often each verdict was given, by a field of attempts."""
    counts = Counter((getattr(attempt, field), attempt.verdict) for attempt in attempts)
    names = dict.fromkeys(getattr(attempt, field) for attempt in attempts)
    print(f"\n| {title} | {' | '.join(VERDICTS)} |\n|---|{'---|' * len(VERDICTS)}")
    for name in names:
        print(f"| {name} | {' | '.join(str(counts[name, verdict]) for verdict in VERDICTS)} |")


def main(damages: str = "200", study: str | None = None) -> int:
    with tempfile.TemporaryDirectory() as room:
        whole = make_study(Path(room), pages_of) if study is None else Path(study)
        tried, attempts = Damages(whole, Path(room, "damaged")), []
        for seed in range(int(damages)):
            attempts += [tried.attempt(reader, seed) for reader in READERS]
            for attempt in attempts[-len(READERS) :]:
                if attempt.verdict == "missed":
                    print(f"seed {seed}: {attempt}", flush=True)
    table("reader", attempts, "reader")
    table("damage", attempts, "how")
    files = Counter(Path(attempt.file).suffix or "chunks" for attempt in attempts[:: len(READERS)])
    print(f"\ndamaged files: {', '.join(f'{count} {suffix}' for suffix, count in files.most_common())}")
    return int(any(attempt.verdict == "missed" for attempt in attempts))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
