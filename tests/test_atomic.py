"""Files that are replaced whole or not at all."""

from pathlib import Path

import pytest

from patternscope.atomic import replaced_file


def write_half(file: Path) -> None:
    with replaced_file(file) as partial:
        partial.write_text("half")
        raise ZeroDivisionError


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path):
    file = tmp_path / "page.html"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_half(file)
    assert file.read_text() == "old"
    with replaced_file(file) as partial:
        partial.write_text("new")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
