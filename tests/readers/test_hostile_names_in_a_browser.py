"""Names of classes, files, layers and folders that look like markup, scripts, formulas or paths, opened in a browser.

Nothing runs: no dialog, no request, no script, no element that a name asked for; and the names stand there as text.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
from atlas.pages import READY, opened
from easy_study import squares
from foreign_study import few_pages
from PIL import Image

from patternscope.atlas.page import write_single
from patternscope.cli import main
from patternscope.settings.study import make_settings
from patternscope.study.run import run_analysis

CLASSES = (
    "<img src=x onerror=ran(1)>",
    '"><svg onload=ran(2)>&lt;b&gt; ${ran(3)} {{ran(4)}}',
    '=HYPERLINK("javascript:ran(5)") $x^{2',
    "%2f..%2f..%2fetc%2fpasswd ]]><!-- '",
)
FOLDER = "<style onload=ran(6)>"
MARKED = "window.hits = []; window.ran = (number) => { window.hits.push(number); return ''; };"
LAYER = "<i onmouseover=ran(7)>"
FACTORY = f"""
from collections import OrderedDict
from torch import nn

def named(classes):
    early = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.ReLU())
    return nn.Sequential(OrderedDict({{
        {LAYER!r}: early, "pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(), "end": nn.Linear(8, classes)
    }}))
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / FOLDER
    pictures, labels = squares(48, 0)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        place = folder / "pictures" / CLASSES[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(picture)).save(place / f"<img src=y onerror=ran(8)> '{number}.png")
    (folder / "hostile_network.py").write_text(FACTORY)
    content = {
        "images": {"source": "folder", "folder": "pictures", "image_size": 32, "samples_per_class": 4},
        "network": {"architecture": "hostile_network:named", "folder": ".", "layers": [LAYER]},
        "training": {"epochs": 1, "batch_size": 16, "checkpoints": 2, "augmentation": False},
        "region": {"n_step": 2},
        "knowledge": {"bootstrap": 10, "taus": [0.4]},
        "figures": {"dpi": 50, "examples": 3},
        "controls": {"enabled": False},
    }
    run_analysis(folder / "study", make_settings(content, "hostile.toml", folder), few_pages, device="cpu")
    return folder / "study"


@pytest.fixture(scope="module")
def pages(hostile) -> dict[str, Path]:
    """The atlas, the report, a comparison of two checkpoints, and a drawing, each as one file."""
    out = hostile.parent
    for command in (
        ("report", str(hostile), "--out", str(out / "report.html")),
        ("diff", f"{hostile}@0", str(hostile), "--out", str(out / "differing")),
    ):
        with pytest.raises(SystemExit) as end:
            main(list(command))
        assert not end.value.code
    write_single(hostile / "atlas/store", out / "atlas.html")
    drawing = hostile / "figures/importance/importance.svg"
    return {
        "atlas": out / "atlas.html",
        "report": out / "report.html",
        "diff": out / "differing/diff.html",
        "drawing": Path(shutil.copy(drawing, out / "drawing.svg")),
    }


@pytest.mark.parametrize("name", ["atlas", "report", "diff", "drawing"])
def test_no_name_runs_asks_or_becomes_an_element(browser, pages, name):
    wait = {"atlas": READY, "drawing": "svg"}.get(name, "body")
    with opened(browser, pages[name].as_uri(), wait=wait, script=MARKED) as watched:
        page, dialogs = watched.page, []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        if name == "atlas":
            watched.handle("set", {"image": 0})
        page.wait_for_timeout(300)
        assert page.evaluate("window.hits") == []
        found = "[onerror], [onload], [onmouseover], [src='x'], [src='y'], [href^='javascript']"
        assert page.locator(found).count() == 0
        text = page.evaluate("document.documentElement.textContent")
        assert dialogs == watched.complaints == []
        assert [each for each in watched.asked if not each.startswith(("data:", "blob:", pages[name].as_uri()))] == []
        if name != "drawing":
            assert CLASSES[0] in text
