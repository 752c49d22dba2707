"""`patternscope settings`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from patternscope.settings.keys import SettingKey


def settings(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A section, a key such as images.resize, or the folder of a study; all keys by default.",
        ),
    ] = None,
) -> None:
    """Print the keys of a study's TOML file, with their defaults and what they mean; or the TOML file of a study.

    A key without a default is unset or determined automatically. For a study, the keys that differ from their defaults
    are printed: edit the file, and run it again with --out DIR.

    Examples: patternscope settings; patternscope settings images; patternscope settings tau; patternscope settings
    runs/demo > demo.toml
    """
    from patternscope.errors import InputError
    from patternscope.settings.keys import find_keys, setting_keys
    from patternscope.workflow.store import STUDY_FILE

    try:
        keys = setting_keys() if name is None else find_keys(name)
    except InputError:
        if name and Path(name, STUDY_FILE).exists():
            return _print_study(Path(name))
        if name and (Path(name).exists() or len(Path(name).parts) > 1):
            raise InputError(f"settings: expected a section, a key or the folder of a study, got {name!r}") from None
        raise
    return _print_keys(keys)


def _print_study(folder: Path) -> None:
    """Print the settings of a study as TOML."""
    from patternscope.cli.printing import say
    from patternscope.settings.toml import settings_toml
    from patternscope.study.run import saved_settings

    settings = saved_settings(folder)[0]
    if settings.images.in_memory:
        say("# ps.analyze made this study from a network and images in memory: no run can repeat it from this file.")
    for line in settings_toml(settings).splitlines():
        say(line)


def _print_keys(keys: "Sequence[SettingKey]") -> None:
    """Print keys under the names of their sections."""
    from patternscope.cli.printing import say
    from patternscope.settings.keys import section_meanings

    meanings, section = section_meanings(), None
    for key in keys:
        if key.section != section:
            _print_heading(key.section, meanings[key.section], is_first=section is None)
            section = key.section
        for line in _lines(key.name, key.default, key.meaning):
            say(line)


def _print_heading(section: str, meaning: str, *, is_first: bool) -> None:
    """Print the name and the meaning of a section."""
    from patternscope.cli.printing import say

    if not is_first:
        say("")
    say(f"[{section}]  # {meaning}" if section else f"# {meaning}")


def _lines(name: str, default: str, meaning: str) -> list[str]:
    """Return a key in TOML, with its meaning as comments below."""
    import textwrap

    from patternscope.cli.printing import WIDTH

    written = f"{name} = {default}" if default else f"# {name} = ..."
    return [written, *textwrap.wrap(meaning, WIDTH, initial_indent="    # ", subsequent_indent="    # ")]
