"""Which units read files of the user's: they are made where these are."""

import pytest
from tiny_study import settings

from patternscope.api.stages import pages_of
from patternscope.study.stages import study_stages
from patternscope.workflow.plan import make_plan, reads_outside
from patternscope.workflow.stages import Axes

CODE = "from torchvision.models import resnet18\n\n\ndef make(n):\n    return resnet18(n)\n"
ALL = {
    "attack__enabled": True,
    "distillation__enabled": True,
    "faithfulness__enabled": True,
    "patterns__enabled": True,
    "controls__enabled": True,
}


def stages_outside(asked) -> tuple[set[str], set[str]]:
    """Names of the stages with a unit that reads outside, and of those that build the network."""
    plan = make_plan(asked, (*study_stages(asked), *pages_of(asked)), Axes(2, ("layer2",)))
    outside = {unit.stage for unit in plan.units if reads_outside(plan, unit)}
    return outside, {name for name, stage in plan.stages.items() if "network.architecture" in stage.settings}


def test_every_stage_that_builds_a_network_of_the_users_is_made_where_its_code_is(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    own = settings(network__architecture="mine:make", network__folder=tmp_path, **ALL)
    outside, building = stages_outside(own)
    assert building <= outside
    assert {"controls", "attack", "faithfulness", "directions", "patterns", "pattern_tests"} <= building


def test_a_network_that_is_built_in_is_made_anywhere():
    outside, building = stages_outside(settings(**ALL))
    assert outside & building <= {"atlas"}  # whose page is a file of the program


@pytest.mark.parametrize("student", ["distillation/logits", "distillation/features"])
def test_a_student_of_the_users_is_too(tmp_path, student):
    (tmp_path / "mine.py").write_text(CODE)
    asked = settings(distillation__architecture="mine:make", network__folder=tmp_path, **ALL)
    assert student in stages_outside(asked)[0]


def test_published_weights_are_here():
    outside, _ = stages_outside(settings(network__architecture="resnet18", network__pretrained=True, **ALL))
    assert "training" in outside
    assert "controls" not in outside
