"""Which pairs of classes the default view of an atlas hides, at every step of every layer.

    python benchmarks/check_view.py runs/demo/atlas/atlas.html

A pair is hidden where a linear separator tells its points apart in all dimensions (balanced accuracy above 0.95), and
hardly on the screen (below 0.6; chance is 0.5). The page turns its first view until it hides none, and names those that
are left.
"""

import shutil
import sys
from pathlib import Path

from bench_atlas import FLAGS
from playwright.sync_api import Page, sync_playwright


def main() -> None:
    """Print the views that hide a pair, and how many views there are."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        page.goto(Path(sys.argv[1]).resolve().as_uri())
        page.wait_for_selector("[data-ready=true]", timeout=120_000)
        hidden = [check(page, layer, step, space) for space in ("regions", "images") for layer, step in places(page)]
        print(f"{len(hidden)} views of the training, {sum(map(bool, hidden))} of which hide a pair")
        browser.close()


def places(page: Page) -> list[tuple[str, int]]:
    """The layers and steps that the sliders offer."""
    layers = page.get_by_role("combobox", name="Layer").locator("option").evaluate_all("all => all.map(o => o.value)")
    steps = int(page.get_by_role("slider", name="Step").get_attribute("aria-valuemax") or 0) + 1
    return [(layer, step) for layer in layers for step in range(steps)]


def check(page: Page, layer: str, step: int, space: str) -> list[dict]:
    """Return the pairs that a view hides, and print them."""
    view = {"layer": layer, "step": step, "space": space, "filter": {"points": "all"}}
    hidden = page.evaluate("async view => { await patternscope.set(view); return patternscope.facts().hidden; }", view)
    for pair in hidden:
        print(f"{space}, layer {layer}, step {step}: {pair}")
    return hidden


if __name__ == "__main__":
    main()
