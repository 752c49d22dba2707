"""Make the pictures of the documentation from the demo with all its parts.

    patternscope demo --full
    python docs/tools/images.py runs/demo
    python docs/tools/images.py runs/demo atlas     the atlas alone (`make screenshot`)

The first screen of the atlas is taken at four widths, each in light and dark side by side.

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
    "ledger",
    "patterns",
    "regional_embedding",
    "reliability",
    "training_strip",
)
# View of the page, as in its address, of each screenshot.
PAGES = {"atlas": "condition=training&image=17", "atlas_attack": "condition=attack&colour=knowledge&image=17"}
# Width and height of the screens on which the first screen is shown.
SCREENS = {"phone": (390, 844), "tablet": (820, 1180), "laptop": (1366, 768), "wide": (2560, 1440)}
OUT = Path(__file__).parents[1] / "images"
WIDTH = 1300
REST = 3000  # milliseconds until the last tile is drawn
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def save_small(picture: Image.Image, path: Path) -> None:
    """Write a picture in its true colours, at most WIDTH wide."""
    picture = picture.convert("RGB")
    picture.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
    picture.save(path, quality=92, method=6)
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
            tab.wait_for_timeout(REST)
            if tab.evaluate("patternscope.state().condition") in view:
                screenshot = Image.open(io.BytesIO(tab.screenshot()))
                save_small(screenshot, OUT / f"{name}.webp")
        for name, size in SCREENS.items():
            save_small(first_screen(browser, page, size), OUT / f"screen_{name}.webp")
        browser.close()


def first_screen(browser, page: Path, size: tuple[int, int]) -> Image.Image:
    """Return the first screen at a size in pixels, light and dark: side by side, or one above the other where wide."""
    pictures = []
    for scheme in ("light", "dark"):
        tab = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector(".tiles .picture", timeout=120_000)
        tab.wait_for_load_state("networkidle")
        tab.wait_for_timeout(REST)
        pictures.append(Image.open(io.BytesIO(tab.screenshot())))
        tab.close()
    across = size[0] < size[1]
    both = Image.new("RGB", (2 * size[0], size[1]) if across else (size[0], 2 * size[1]))
    both.paste(pictures[0], (0, 0))
    both.paste(pictures[1], (size[0], 0) if across else (0, size[1]))
    return both


if __name__ == "__main__":
    study = Path(sys.argv[1])
    for name in FIGURES if "atlas" not in sys.argv[2:] else ():
        with Image.open(study / "figures" / name / f"{name}.png") as drawn:
            save_small(drawn, OUT / f"{name}.webp")
    take_screenshots(study / "atlas" / "atlas.html")
