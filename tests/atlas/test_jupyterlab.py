"""The widget in JupyterLab: it draws, and state goes both ways."""

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

CELLS = (
    "from patternscope.atlas import Atlas\natlas = Atlas('study')\natlas",
    "print('python has', atlas.step, atlas.layer, atlas.selection)",
    "atlas.step = 0",
)
READY = ".patternscope-atlas[data-ready=true]"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jupyterlab") is None, reason="jupyterlab is not installed"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def lab(study, tmp_path):
    """Address of a JupyterLab whose one notebook shows the tiny study."""
    shutil.copytree(study / "atlas", tmp_path / "study/atlas")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "atlas.ipynb")
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", f"--port={port}"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}", "--ServerApp.port_retries=0"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (tmp_path / "lab.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        try:
            wait_for(f"http://127.0.0.1:{port}/api", process, tmp_path / "lab.log")
            yield f"http://127.0.0.1:{port}/lab/tree/atlas.ipynb?reset"
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def test_the_widget_draws_and_keeps_state_in_step(browser, lab):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(lab)
    code = page.locator(".jp-Notebook .jp-CodeCell")
    code.first.wait_for(timeout=60_000)
    # A cell that is run before its kernel listens is not run at all.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)

    def run(cell: int) -> None:
        code.nth(cell).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")

    run(0)
    page.locator(READY).wait_for(timeout=60_000)
    assert page.locator(f"{READY} canvas").count() > 0
    slider = page.locator(READY).get_by_role("slider", name="Step")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("each => each.value === '1'", arg=slider.element_handle())
    assert code.nth(0).evaluate("cell => cell.isConnected"), "the arrow keys stay in the view"
    page.locator(f"{READY} [data-image]").first.click()
    run(1)
    said = code.nth(1).locator(".jp-OutputArea-output")
    said.wait_for(timeout=20_000)
    assert re.search(r"python has 1 conv_53 \[\d+\]", said.inner_text())
    run(2)
    page.wait_for_function("each => each.value === '0'", arg=slider.element_handle())
    page.close()
