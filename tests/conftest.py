"""What all tests share: this folder on the import path, one thread, fitted studies, workers."""

import multiprocessing
import os
import shutil
import sys
import types
from collections.abc import Iterator
from concurrent.futures import Executor
from multiprocessing.context import BaseContext
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from hypothesis import HealthCheck, settings

# The same bytes as workers on any machine; and small tensors are slower on several threads, much so on a busy one.
torch.set_num_threads(1)

# How long an example takes says how busy a machine is, and nothing of the code. Each run draws other examples, so that
# many runs see many. `pytest --hypothesis-profile thorough` draws a thousand of a law that does not say how many.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("usual", max_examples=40, **UNTIMED)
settings.register_profile("thorough", max_examples=1000, **UNTIMED)
settings.load_profile("usual")


@pytest.fixture(scope="session")
def attacked_study(tmp_path_factory) -> Path:
    """Folder of a study of coloured squares with an attack, without figures; tests only read it."""
    from easy_study import easy_settings

    from patternscope.study.run import run_analysis

    folder = tmp_path_factory.mktemp("squares")
    run_analysis(folder / "study", easy_settings(folder), device="cpu")
    return folder / "study"


@pytest.fixture(scope="session")
def taught_study(attacked_study) -> Path:
    """Folder of the same study with two students in the attack's place and their figures; tests only read it."""
    from easy_study import student_figures, students_settings

    from patternscope.study.run import run_analysis

    folder = attacked_study.parent / "taught"
    shutil.copytree(attacked_study, folder)
    for name in ("attack", "attack_analysis"):
        shutil.rmtree(folder / name)
    asked = students_settings(attacked_study.parent)
    run_analysis(folder, asked, student_figures, device="cpu")
    return folder


@pytest.fixture(scope="session")
def forks() -> Iterator[BaseContext]:
    """Processes of one thread each, forks of one that has imported everything: imports take most of their time."""
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["distributed", "torchvision", "patternscope.study.stages"])
    with patch.dict(os.environ, OMP_NUM_THREADS="1"):
        forkserver.ensure_running()
        yield context


@pytest.fixture(scope="session")
def two_workers(forks) -> Iterator[Executor]:
    """A pool of two such processes for all tests."""
    from patternscope.workflow.executors import process_pool

    with (
        patch.object(os, "cpu_count", return_value=2),
        patch.object(multiprocessing, "get_context", return_value=forks),
    ):
        pool = process_pool(2)
    with pool:
        yield pool


@pytest.fixture
def some_lightning(monkeypatch) -> None:
    """A module of Lightning's name with the base class of its callbacks."""
    module = types.ModuleType("lightning.pytorch")
    module.Callback = type("Callback", (), {})
    monkeypatch.setitem(sys.modules, "lightning.pytorch", module)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """The system's Chromium, drawing in software. Without it the tests skip; in CI they must run."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    missing = None if chromium else "no chromium on this machine (apt-get install chromium)"
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing = "playwright is not installed"
    if missing:
        if os.environ.get("PATTERNSCOPE_REQUIRE_BROWSER"):
            pytest.fail(f"PATTERNSCOPE_REQUIRE_BROWSER is set, but {missing}")
        pytest.skip(missing)
    with sync_playwright() as playwright:
        # WebGL in software for the page's own pictures; all else is put together without it, in a third of the time.
        flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        opened = playwright.chromium.launch(executable_path=chromium, args=[*flags, "--disable-gpu-compositing"])
        yield opened
        opened.close()
