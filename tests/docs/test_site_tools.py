"""What the site adds to mkdocs: foreign addresses are detected, docstrings, tables and equations fit a page."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

TOOLS = Path(__file__).parents[2] / "docs" / "tools"


def load(name: str) -> ModuleType:
    for needed in ("mkdocs", "griffe", "latex2mathml"):
        pytest.importorskip(needed, reason="the extra 'docs' is not installed")
    spec = importlib.util.spec_from_file_location(f"site_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("tag", "foreign"),
    [
        ('<script src="https://unpkg.com/a.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', True),
        ('<img alt="" src="http://example.org/a.png">', True),
        ('<script src="assets/a.js"></script>', False),
        ('<img src="data:image/png;base64,AA==">', False),
        ('<a href="https://arxiv.org/abs/2111.03505">paper</a>', False),
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_detected(tag, foreign):
    assert bool(load("hooks")._loads(f"<html><body>{tag}</body></html>")) is foreign


def test_doctests_become_blocks_and_bounds_stay_text():
    text = "Do.\n\nSource: Sec. 3, :func:`f`.\n\nArgs:\n    kappa: > 0.\n\n>>> f(1)\n2\n"
    markdown = load("docstrings").as_markdown(text)
    assert "```pycon\n>>> f(1)\n2\n```" in markdown
    assert "*Source:* Sec. 3, `f`." in markdown
    assert "kappa: \\> 0." in markdown


def test_a_package_that_imports_lazily_is_shown_with_its_public_names():
    import griffe

    import patternscope.networks

    extensions = griffe.load_extensions(load("docstrings").Docstrings())
    source = TOOLS.parents[1] / "src"
    package = griffe.load("patternscope.networks", search_paths=[source], extensions=extensions)
    assert package.exports == patternscope.networks.__all__
    assert package["record"].is_public


def test_commands_and_figures_are_those_of_the_program():
    from patternscope.figures import figure_names

    config = SimpleNamespace(docs_dir=TOOLS.parent)
    marks = "<!-- command status -->\n\n<!-- figures -->\n"
    page = load("hooks").on_page_markdown(marks, config)
    assert "--json" in page
    rows = page.partition("| figure |")[2].splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(figure_names())
    assert "| `counts` | `layers` `ax` | total and reliable knowledge points" in page


def test_a_link_to_a_missing_page_is_its_text(tmp_path):
    (tmp_path / "evidence.md").write_text("here")
    text = "[a](evidence.md) [b](evidence) [c](../defaults.md) [d](decisions.md)"
    page = load("hooks").on_page_markdown(text, SimpleNamespace(docs_dir=tmp_path))
    assert page == "[a](evidence.md) b c [d](decisions.md)"


def test_an_equation_is_mathml():
    made = load("hooks")._equation(r"\kappa(l)" + "\n\nx", "math", "math", {}, None)
    assert made.count("<math") == 2
    assert "&#x" in made or "κ" in made
