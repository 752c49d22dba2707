"""Settings that are written read back as the same settings."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.networks import TrainingSettings
from patternscope.settings.study import load_settings, make_settings
from patternscope.settings.toml import settings_toml
from patternscope.study.run import saved_settings


def test_settings_read_back_as_they_were(attacked_study, taught_study, tmp_path):
    for study in (attacked_study, taught_study):
        asked, _ = saved_settings(study)
        for everything in (False, True):
            file = tmp_path / "study.toml"
            file.write_text(settings_toml(asked, everything=everything), encoding="utf-8")
            assert load_settings(file) == asked


@pytest.mark.parametrize("fine_tune", [True, False])
@pytest.mark.parametrize("epochs", [0, 3, TrainingSettings().epochs])
def test_what_is_derived_from_others_is_written(tmp_path, fine_tune, epochs):
    cases = [
        {"weights": "net.pth", "fine_tune": fine_tune and epochs > 0},
        {"architecture": "huggingface:vit"},
        {"classes": ["cat", "dog"]},
        {"head": "probe"},
    ]
    for network in cases:
        asked = make_settings({"network": network, "training": {"epochs": epochs}}, "s.toml", tmp_path)
        for everything in (False, True):
            file = tmp_path / "study.toml"
            file.write_text(settings_toml(asked, everything=everything), encoding="utf-8")
            assert load_settings(file) == asked


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "seed": st.integers(0, 9),
            "attack": st.fixed_dictionaries(
                {}, optional={"enabled": st.booleans(), "epsilon": st.floats(0.01, 0.5), "target": st.text(max_size=5)}
            ),
            "distillation": st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "epochs": st.integers(1, 9)}),
            "network": st.fixed_dictionaries(
                {},
                optional={"grid": st.integers(1, 9), "arguments": st.fixed_dictionaries({"widths": st.just([8, 9])})},
            ),
            "images": st.fixed_dictionaries({"class_names": st.lists(st.text(max_size=4), max_size=3)}),
        },
    )
)
@settings(max_examples=60)
def test_any_settings_read_back_as_they_were(content):
    asked = make_settings(content, "study.toml", Path("/somewhere"))
    for everything in (False, True):
        text = settings_toml(asked, everything=everything)
        assert make_settings(tomllib.loads(text), "again.toml", Path("/elsewhere")) == asked
