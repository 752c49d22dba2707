"""The search of the site works from a folder: a hidden frame stands for the worker, which no browser loads there."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIM = "scripts/iframe-worker.js"
WORKER = 'addEventListener("message", (event) => importScripts("word.js").then(() => postMessage(word + event.data)));'
PAGE = f"""<body><script src="{SHIM}"></script><script>
addEventListener("load", () => {{
  const worker = new Worker("worker.js");
  worker.addEventListener("message", (event) => (document.title = event.data));
  worker.postMessage("cat");
}});
</script></body>"""


def test_the_site_is_built_for_it():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "  - offline\n" in settings
    assert f"polyfills: [{SHIM}]" in settings


def test_a_worker_answers_in_a_page_of_a_folder(browser, tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "docs" / SHIM, tmp_path / SHIM)
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "word.js").write_text('var word = "found: ";')
    (tmp_path / "worker.js").write_text(WORKER)
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function('document.title === "found: cat"', timeout=20_000)
    page.close()
