"""`make evidence`: everything in docs/evidence.md, part after part; what is there already is not done again.

python evidence/run.py [PART ...]     all parts, or those named
"""

import importlib
import sys
import time
from collections.abc import Sequence

from progress import duration

# Name of the module, and its usual minutes on two cores: for the time left alone. The page comes last.
PARTS: dict[str, float] = {
    "studies": 16,
    "projections": 10,
    "faithfulness": 12,
    "ground_truth": 2,
    "shortcut": 6,
    "uncertainty": 4,
    "defaults": 6,
    "page": 0,
}


def main(names: Sequence[str] = ()) -> None:
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"no part is called {sorted(unknown)[0]!r}; there are {', '.join(PARTS)}")
    chosen = [name for name in PARTS if not names or name in names]
    begun = time.perf_counter()
    for place, name in enumerate(chosen):
        left = sum(PARTS[each] for each in chosen[place:])
        print(f"{name}: part {place + 1} of {len(chosen)}; some {left:.0f} min left", flush=True)
        importlib.import_module(name).main()
    print(
        f"done in {duration(time.perf_counter() - begun)}: runs/evidence, docs/evidence.md, docs/defaults.md"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
