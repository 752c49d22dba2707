"""A finished study of somebody else: tests only read it, or copy it first."""

import shutil
from pathlib import Path

import pytest
from foreign_study import few_pages, make_study


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory) -> Path:
    return make_study(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def study(whole_study, tmp_path) -> Path:
    return Path(shutil.copytree(whole_study, tmp_path / "study"))


@pytest.fixture(autouse=True, scope="module")
def _few_pages():
    """Commands look for the pages that this study has."""
    with pytest.MonkeyPatch.context() as patched:
        for module in ("api.stages", "api.study_page", "api.running", "cli.running"):
            patched.setattr(f"patternscope.{module}.pages_of", few_pages)
        yield
