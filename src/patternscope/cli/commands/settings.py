"""`patternscope settings`."""

from typing import Annotated

import typer


def settings(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A section, or a key such as images.resize; all by default.")
    ] = None,
) -> None:
    """Print the keys of a study's TOML file, with their defaults and what they mean.

    A key without a default is unset or determined automatically.

    Examples: patternscope settings; patternscope settings images; patternscope settings tau
    """
    from patternscope.cli.printing import say
    from patternscope.settings.keys import find_keys, section_meanings, setting_keys

    meanings, section = section_meanings(), None
    for key in setting_keys() if name is None else find_keys(name):
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
