"""One invented atlas and one tiny study for all tests of the atlas."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from atlas.invented_atlas import invent
from atlas.pages import Watched, opened
from patternscope.atlas.contents import AtlasContent
from patternscope.atlas.page import write_single
from patternscope.atlas.stage import atlas_stage
from patternscope.atlas.store import write_store
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_analysis
from patternscope.workflow.stages import Stage

TINY = """
[images]
image_size = 32
train_per_class = 6
test_per_class = 4
samples_per_class = 3
[network]
layers = ["conv_33", "conv_53"]
[training]
epochs = 2
batch_size = 16
checkpoints = 3
[importance]
n_step = 2
[region]
n_step = 1
[knowledge]
bootstrap = 10
taus = [0.4]
[attack]
n_step = 4
epsilon = 0.1
[distillation]
epochs = 1
students = ["logits"]
"""


def tiny_settings(**sections: dict) -> StudySettings:
    written = tomllib.loads(TINY)
    return make_settings(
        {**written, **{name: {**written.get(name, {}), **each} for name, each in sections.items()}}, "tiny.toml", Path()
    )


def atlas_of(settings: StudySettings) -> tuple[Stage]:
    students = settings.distillation.students if settings.distillation.enabled else ()
    parts = {name: getattr(settings, name).enabled for name in ("attack", "controls", "patterns")}
    return (atlas_stage(**parts, students=students),)


def run_tiny(folder: Path, settings: StudySettings) -> set[str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    summary = run_analysis(folder, settings, atlas_of, device="cpu")
    torch.set_num_threads(threads)
    return {unit.stage for unit in summary.done}


@pytest.fixture(scope="session")
def content() -> AtlasContent:
    """Three layers of other grids, four checkpoints, an attack and a student."""
    return invent(layers=3, grid=(4, 6))


@pytest.fixture(scope="session")
def store(content, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("atlas") / "store"
    write_store(folder, content)
    return folder


@pytest.fixture(scope="session")
def file(store, tmp_path_factory) -> Path:
    """The invented atlas as one file."""
    path = tmp_path_factory.mktemp("page") / "atlas.html"
    write_single(store, path)
    return path


@pytest.fixture
def fresh(browser, file) -> Iterator[Watched]:
    """A page of its own."""
    with opened(browser, file.as_uri()) as watched:
        yield watched


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "study"
    run_tiny(folder, tiny_settings())
    return folder
