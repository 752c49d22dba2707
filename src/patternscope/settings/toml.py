"""Settings as TOML text."""

from collections.abc import Mapping
from typing import Any

import tomli_w

from patternscope.settings.core import asks_for_no_training
from patternscope.settings.study import StudySettings


def settings_toml(settings: StudySettings, *, everything: bool = False) -> str:
    """Return settings as TOML that reads back as the same settings: the changes from the defaults, or `everything`.

    >>> print(settings_toml(StudySettings(seed=3)))
    seed = 3
    <BLANKLINE>
    """
    content = settings.model_dump(mode="json", exclude_defaults=not everything)
    network = content.get("network", {})
    if network:
        # If these two were omitted, they would be inferred from the rest of the section.
        if settings.network.weights is not None:
            network["fine_tune"] = settings.network.fine_tune
        if asks_for_no_training(network):
            content.setdefault("training", {})["epochs"] = settings.training.epochs
    for name in settings.parts:
        # A section that is written is enabled, unless it is disabled explicitly.
        if content.get(name):
            content[name]["enabled"] = getattr(settings, name).enabled
    return tomli_w.dumps({"seed": settings.seed, **_without_none(content)})


def _without_none(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without None, which TOML lacks, and without empty sections."""
    kept = {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in content.items()
        if value is not None
    }
    return {name: value for name, value in kept.items() if value != {}}
