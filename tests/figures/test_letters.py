"""Names in any letters: drawn in a font that has them, and where none has, said once."""

import warnings

import pytest
from matplotlib.figure import Figure

from patternscope.figures.drawing import style
from patternscope.figures.drawing.labels import _advance, text_width
from patternscope.figures.drawing.saving import save_figure

NOWHERE = "\U000f1234"  # a private letter, which no font has


@pytest.fixture(autouse=True)
def nothing_told():
    style._warn_of_missing_letters.cache_clear()
    _advance.cache_clear()


def drawn(text: str) -> Figure:
    with style.figure_style():
        figure = Figure(figsize=(1, 1))
        figure.text(0, 0, text)
    return figure


def test_letters_that_no_font_has_are_said_once(tmp_path):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert text_width(f"{NOWHERE} cat", 8) > 0
        for name in ("one", "two"):
            save_figure(drawn(f"{NOWHERE} {name}"), tmp_path, name, rows=[], settings={}, dpi=50)
    assert len(said) == 1
    assert "fonts-noto-cjk" in str(said[0].message)


def test_other_warnings_are_heard_as_they_are():
    with pytest.warns(UserWarning, match="another"), style.figure_style():
        warnings.warn("another", stacklevel=1)


def test_a_letter_is_drawn_in_the_first_installed_font_that_has_it(monkeypatch, tmp_path):
    style.font_families.cache_clear()
    # U+1D5A0 is in the second and not in the first.
    monkeypatch.setattr(style, "_FAMILIES", ("DejaVu Sans Mono", "Not Installed Sans", "DejaVu Sans"))
    try:
        assert style.font_families() == ["DejaVu Sans Mono", "DejaVu Sans"]
        save_figure(drawn("\U0001d5a0"), tmp_path, "letter", rows=[], settings={}, dpi=50)
    finally:
        monkeypatch.undo()
        style.font_families.cache_clear()
