"""The pictures of the documentation, from the demo with all its parts.

    patternscope demo --full
    python docs/tools/images.py runs/demo

Figures of the study are made smaller; the page is photographed in the system's Chromium.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image

FIGURES = (
    "attack_change",
    "attack_histogram",
    "distilled_counts",
    "emergence",
    "importance",
    "knowledge_points",
    "regional_embedding",
    "training_strip",
)
OUT = Path(__file__).parents[1] / "images"
WIDTH, COLOURS = 1300, 255
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a picture, at most WIDTH wide and of COLOURS colours."""
    picture = picture.convert("RGB")
    picture.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
    # The default loses colours of small things, such as the dots of a legend.
    method = Image.Quantize.MAXCOVERAGE
    picture.quantize(COLOURS, method, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


def photograph(page: Path, path: Path) -> None:
    """Write a picture of the atlas at the last step of its deepest layer."""
    from playwright.sync_api import sync_playwright

    browser_file = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("[data-ready=true]", timeout=120_000)
        tab.screenshot(path=path)
        browser.close()
    save_small(Image.open(path), path)


if __name__ == "__main__":
    study = Path(sys.argv[1])
    for name in FIGURES:
        with Image.open(study / "figures" / name / f"{name}.png") as drawn:
            save_small(drawn, OUT / f"{name}.png")
    photograph(study / "atlas" / "atlas.html", OUT / "atlas.png")
