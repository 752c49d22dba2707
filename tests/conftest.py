"""Puts this folder on the import path, so that every test folder can import `naive`; shares fitted studies."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def attacked_study(tmp_path_factory) -> Path:
    """Folder of a study of coloured squares with an attack, without figures; tests only read it."""
    import torch
    from easy_study import easy_settings

    from patternscope.study.study import run_study

    folder = tmp_path_factory.mktemp("squares")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_study(folder / "study", easy_settings(folder), device="cpu")
    torch.set_num_threads(threads)
    return folder / "study"


@pytest.fixture(scope="session")
def taught_study(attacked_study) -> Path:
    """Folder of the same study with two students in the attack's place and their figures; tests only read it."""
    import torch
    from easy_study import students_settings, students_stages

    from patternscope.study.study import run_study

    folder = attacked_study.parent / "taught"
    shutil.copytree(attacked_study, folder)
    for name in ("attack", "adversarial"):
        shutil.rmtree(folder / name)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    asked = students_settings(attacked_study.parent)
    run_study(folder, asked, students_stages(asked), device="cpu")
    torch.set_num_threads(threads)
    return folder
