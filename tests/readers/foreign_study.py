"""A study of somebody else: squares, and a network that is made by code beside the study."""

import sys
from collections.abc import Callable
from pathlib import Path

from easy_study import easy_settings

from patternscope.api.stages import pages_of
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis
from patternscope.workflow.stages import Stage

PACKAGE = "theirs_alone"
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


def make_study(folder: Path, pages: Callable[[StudySettings], tuple[Stage, ...]] = few_pages) -> Path:
    """Run the study with these pages in `folder`/study; the package of its network is forgotten again."""
    package = folder / PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text(MARKING)
    (package / "network.py").write_text(MARKING + FACTORY)
    settings = easy_settings(
        folder,
        network={"architecture": f"{PACKAGE}.network:small", "layers": ["1"]},
        training={"epochs": 2},
        attack={"enabled": False},
        controls={"enabled": False},
    )
    run_analysis(folder / "study", settings, pages, device="cpu")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    return folder / "study"
