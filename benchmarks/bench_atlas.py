"""The speed of the page of an atlas, in headless Chromium that draws in software.

    python benchmarks/bench_atlas.py [ATLAS.html ...]

Without files: invented atlases of 98,000 points x 12 checkpoints and of 1,000,000 points x 2.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from patternscope.atlas.page import write_single
from patternscope.atlas.store import write_store

sys.path.append(str(Path(__file__).parents[1] / "tests/atlas"))
from invented_atlas import invent

FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZES = {"98,000 x 12": ((7, 7), 2000, 12), "1,000,000 x 2": ((20, 10), 5000, 2)}
ROUNDS = 24
# Milliseconds between two changes of step: as they come by hand or by Play, and without a pause, while the browser is
# still drawing the previous one.
RESTS = {"after a rest": 300, "without": 0}
PICKS = """() => {
    const { left, top, width, height } = patternscope.camera().rect;
    return Array.from({ length: 50 }, (_, index) => {
        patternscope.pick(left + width * ((index * 0.618) % 1), top + height * ((index * 0.414) % 1));
        return patternscope.timings.pick;
    });
}"""


def main() -> None:
    """Print a line per atlas."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as room:
        files = [Path(name).resolve() for name in sys.argv[1:]] or list(invented(Path(room)))
        for file in files:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            print(f"{file.stem} ({file.stat().st_size / 1e6:.1f} MB): {measured(browser, file)}", flush=True)
            browser.close()


def invented(room: Path) -> list[Path]:
    """Write the atlases to measure."""
    files = []
    for name, (grid, images, steps) in SIZES.items():
        made = invent(
            images=images, grid=grid, steps=steps, layers=1, dimensions=9, attack=False, model=False, importance=False
        )
        write_store(room / f"{name} store", made)
        write_single(room / f"{name} store", room / f"{name}.html")
        files.append(room / f"{name}.html")
    return files


def measured(browser: Browser, file: Path) -> str:
    """Open an atlas and measure it."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.goto(file.as_uri())
    page.wait_for_selector("#atlas[data-ready]", timeout=120_000)
    opened = page.evaluate("patternscope.timings.opened")
    count = page.evaluate("document.querySelector('[role=slider]')?.ariaValueMax ?? '0'")
    steps = {
        name: [step_change(page, number % (int(count) + 1), rest) for number in range(ROUNDS)]
        for name, rest in RESTS.items()
        if count != "0"
    }
    picks = page.evaluate(PICKS)
    return "; ".join(
        [
            f"first picture {opened / 1000:.2f} s",
            *(f"step change {name} {spread(times)}" for name, times in steps.items()),
            f"pick {spread(picks, 1)}",
            f"memory of the page {renderer_megabytes():.0f} MB",
        ]
    )


def spread(milliseconds: list[float], digits: int = 0) -> str:
    """Return median and largest as text."""
    middle, largest = statistics.median(milliseconds), max(milliseconds)
    return f"{middle:.{digits}f} ms (largest {largest:.{digits}f})"


def step_change(page: Page, step: int, rest: int) -> float:
    """Return milliseconds from the request until the points are drawn and all of the page has its new content."""
    page.wait_for_timeout(rest)
    return page.evaluate("async step => { await patternscope.set({ step }); return patternscope.timings.step; }", step)


def renderer_megabytes() -> float:
    """Return the resident memory, shared libraries included, of the largest renderer."""
    sizes = [0.0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                sizes.append(int((process / "statm").read_text().split()[1]) * 4096 / 1e6)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return max(sizes)


if __name__ == "__main__":
    main()
