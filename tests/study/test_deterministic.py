"""With deterministic = "threads" a study has the same bytes on any number of threads."""

from pathlib import Path

import pytest
import torch
from easy_study import easy_settings
from toy_stages import contents

from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis, study_plan
from patternscope.workflow.event_log import EventLog, unit_machines
from patternscope.workflow.plan import unit_key
from patternscope.workflow.programs import limited_threads


def on(threads: int, folder: Path, settings: StudySettings) -> Path:
    with limited_threads(threads):
        run_analysis(folder, settings, device="cpu", until="training")
        assert torch.get_num_threads() == threads
    return folder


def test_the_training_does_not_depend_on_the_number_of_threads(tmp_path):
    settings = easy_settings(tmp_path, training={"epochs": 1}).model_copy(update={"deterministic": "threads"})
    one, two = (on(threads, tmp_path / str(threads), settings) for threads in (1, 2))
    assert contents(one) == contents(two)
    machines = unit_machines(EventLog(two))
    assert {machine.threads for machine in machines.values()} == {1}


@pytest.mark.parametrize(("deterministic", "same"), [("machine", True), ("threads", False)])
def test_only_the_choice_of_threads_enters_the_keys(deterministic, same):
    usual, asked = StudySettings(), StudySettings(deterministic=deterministic)
    plans = [study_plan(settings) for settings in (usual, asked)]
    unit = plans[0].units[0]
    assert (unit_key(plans[0], unit, {}) == unit_key(plans[1], unit, {})) == same
    assert {stage.threads for stage in plans[1].stages.values()} == ({None} if same else {1})
