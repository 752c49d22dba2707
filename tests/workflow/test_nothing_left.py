"""A study whose input cannot be used leaves nothing behind; one that has results keeps them."""

import pytest

from patternscope.errors import InputError
from patternscope.settings.study import make_settings
from patternscope.study.run import run_analysis


def test_unusable_images_leave_no_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    settings = make_settings({"images": {"source": "folder", "folder": "empty"}}, "study.toml", tmp_path)
    with pytest.raises(InputError, match="expected two or more class folders, got 0"):
        run_analysis(tmp_path / "runs" / "study", settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_a_folder_that_was_there_before_stays(tmp_path):
    (tmp_path / "empty").mkdir()
    mine = tmp_path / "study" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    settings = make_settings({"images": {"source": "folder", "folder": "empty"}}, "study.toml", tmp_path)
    with pytest.raises(InputError):
        run_analysis(tmp_path / "study", settings)
    assert mine.read_text() == "mine"
