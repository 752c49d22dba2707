"""A finished study of somebody else, whose network is made by code beside it: tests only read it, or copy it first."""

import shutil
import sys
from pathlib import Path

import pytest
from easy_study import easy_settings

from patternscope.api.stages import pages_of
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis
from patternscope.workflow.stages import Stage

MARKING = """
from pathlib import Path

if Path(__file__).with_name("armed").exists():
    Path(__file__).with_name("mark").write_text("this code ran")
"""
FACTORY = """
from torch import nn

def small(classes):
    early = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.ReLU())
    late = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU())
    return nn.Sequential(early, late, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, classes))
"""


def few_pages(asked: StudySettings) -> tuple[Stage, ...]:
    """The atlas, and the figure that is drawn fastest."""
    return tuple(stage for stage in pages_of(asked) if stage.name in {"atlas", "figures/importance"})


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    package = folder / "theirs_alone"
    package.mkdir()
    (package / "__init__.py").write_text(MARKING)
    (package / "network.py").write_text(MARKING + FACTORY)
    settings = easy_settings(
        folder,
        network={"architecture": "theirs_alone.network:small", "layers": ["1"]},
        training={"epochs": 2},
        attack={"enabled": False},
        controls={"enabled": False},
    )
    run_analysis(folder / "study", settings, few_pages, device="cpu")
    for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
        del sys.modules[name]
    return folder / "study"


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
