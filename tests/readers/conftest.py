"""A finished study of somebody else: tests only read it, or copy it first."""

import shutil
from importlib import import_module
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
    names = ("api.stages", "api.study_page", "api.running", "cli.running")
    # All of them first: a module that is imported while another is patched would keep the patch for ever.
    modules = [import_module(f"patternscope.{name}") for name in names]
    with pytest.MonkeyPatch.context() as patched:
        for module in modules:
            patched.setattr(module, "pages_of", few_pages)
        yield
