"""How to repeat a study: its settings as TOML, the command, and by which bytes to tell that it worked."""

from collections.abc import Mapping
from typing import Any

import tomli_w

from patternscope.settings.study import DEMO_FILE, StudySettings, load_settings
from patternscope.study.run import with_layers
from patternscope.workflow.stages import Axes

SETTINGS_FILE = "study.toml"


def settings_toml(settings: StudySettings, *, everything: bool = False) -> str:
    """Return settings as TOML that reads back as the same settings: what differs from the defaults, or `everything`.

    >>> print(settings_toml(StudySettings(seed=3)))
    seed = 3
    <BLANKLINE>
    """
    content = settings.model_dump(mode="json", exclude_defaults=not everything)
    for name in settings.parts:
        # A section that is written is on; one that is off and was changed has to say so.
        if content.get(name):
            content[name]["enabled"] = getattr(settings, name).enabled
    return tomli_w.dumps({"seed": settings.seed, **_without_nothing(content)})


def command(settings: StudySettings, axes: Axes) -> str:
    """Return the command that does the study again, in a folder of its own.

    >>> demo = load_settings(DEMO_FILE)
    >>> command(demo, Axes(8, demo.network.layers)), command(StudySettings(seed=1), Axes())
    ('patternscope demo --out again', 'patternscope run study.toml --out again')
    """
    demo = load_settings(DEMO_FILE)
    for asked, flag in ((demo, ""), (demo.with_all_parts(), "--full ")):
        if with_layers(asked, axes) == settings:
            return f"patternscope demo {flag}--out again"
    return f"patternscope run {SETTINGS_FILE} --out again"


def _without_nothing(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without what TOML has no word for: None; and without sections that say nothing."""
    kept = {
        name: _without_nothing(value) if isinstance(value, Mapping) else value
        for name, value in content.items()
        if value is not None
    }
    return {name: value for name, value in kept.items() if value != {}}
