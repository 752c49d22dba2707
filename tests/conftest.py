"""Puts this folder on the import path, so that every test folder can import `naive`; shares one fitted study."""

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
