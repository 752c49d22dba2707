"""The embedding stages of a study by one worker of one thread and by two: time, and whether the bytes are equal."""

import os
import shutil
import sys
import time
import tomllib
from pathlib import Path
from unittest.mock import patch

from measuring import row

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from toy_stages import contents

from patternscope.settings.study import DEMO_FILE, StudySettings, make_settings
from patternscope.study.run import run_analysis
from patternscope.workflow.executors import process_pool

FOLDER = Path("runs/bench/workers")


def workers() -> None:
    """The demo's images, checkpoints and layers after a short training: stages sample, importance and region."""
    run_analysis(FOLDER / "start", settings(), until="features", device="cpu")
    one, two = (timed(count) for count in (1, 2))
    same = contents(FOLDER / "1") == contents(FOLDER / "2")
    row("embedding stages, 2 workers against 1", f"{one / two:.2f} x", f"{two:.1f} s; bytes "
        f"{'equal' if same else 'DIFFER'}", f"{one:.1f} s")  # fmt: skip


def settings() -> StudySettings:
    content = tomllib.loads(DEMO_FILE.read_text())
    content["training"]["epochs"] = 1
    content["images"]["train_per_class"] = 200
    return make_settings(content, "workers.toml", Path())


def timed(count: int) -> float:
    """Return the seconds of the stages with so many workers of one thread, without the time of their start."""
    folder = FOLDER / str(count)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(FOLDER / "start", folder)
    # A pool divides the processors among its workers.
    with patch("os.cpu_count", return_value=count), process_pool(count) as pool:
        list(pool.map(started, range(count), [count] * count, [FOLDER / "marks"] * count))
        shutil.rmtree(FOLDER / "marks")
        begun = time.perf_counter()
        run_analysis(folder, settings(), executor=pool, until="region", device="cpu")
        return time.perf_counter() - begun


def started(number: int, count: int, marks: Path) -> int:
    """Import what the stages need, and wait until all workers have."""
    import patternscope.study.stages  # noqa: F401

    marks.mkdir(parents=True, exist_ok=True)
    (marks / str(os.getpid())).touch()
    while marks.exists() and len(list(marks.iterdir())) < count:
        time.sleep(0.01)
    return number


if __name__ == "__main__":
    workers()
