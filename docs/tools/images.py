"""Make the pictures of the documentation from the demo with all its parts.

    patternscope demo --full
    python docs/tools/images.py runs/demo
    python docs/tools/images.py runs/demo atlas     the atlas alone (`make screenshot`)

Figures of the study are reduced in size; screenshots of the page are taken in the system's Chromium.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image

FIGURES = (
    "attack_change",
    "attack_histogram",
    "distilled_counts",
    "emergence",
    "evidence",
    "evidence_maps",
    "faithfulness",
    "importance",
    "knowledge_points",
    "regional_embedding",
    "reliability",
    "training_strip",
)
# View of the page, as in its address, of each screenshot.
PAGES = {"atlas": "condition=training&image=17", "atlas_attack": "condition=attack&image=17"}
OUT = Path(__file__).parents[1] / "images"
WIDTH, COLOURS = 1300, 255
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a picture, at most WIDTH wide and with COLOURS colours, such that rare and faint ones stay as they are."""
    picture = picture.convert("RGB")
    picture.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


def take_screenshots(page: Path) -> None:
    """Write screenshots of the atlas; a condition that the study does not have is omitted."""
    from playwright.sync_api import sync_playwright

    browser_file = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_file, args=FLAGS)
        for name, view in PAGES.items():
            tab = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=2)
            tab.goto(f"{page.resolve().as_uri()}#{view}")
            tab.wait_for_selector("[data-ready=true]", timeout=120_000)
            tab.wait_for_load_state("networkidle")
            if tab.evaluate("patternscope.state().condition") in view:
                screenshot = Image.open(io.BytesIO(tab.screenshot()))
                save_small(screenshot, OUT / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    study = Path(sys.argv[1])
    for name in FIGURES if "atlas" not in sys.argv[2:] else ():
        with Image.open(study / "figures" / name / f"{name}.png") as drawn:
            save_small(drawn, OUT / f"{name}.png")
    take_screenshots(study / "atlas" / "atlas.html")
