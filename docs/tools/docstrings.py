"""How mkdocstrings reads the package: doctests become code blocks, roles code, lazy imports public names."""

import re
from typing import Any

import griffe

_DOCTEST = re.compile(r"(?:^[ \t]*>>>.*\n?)(?:^[ \t]*\S.*\n?)*", flags=re.MULTILINE)
_ROLE = re.compile(r":(?:class|func|meth|mod):`~?([^`]+)`")
_BOUND = re.compile(r"^(\s*[\w, ]+: )>", flags=re.MULTILINE)
_SOURCE = re.compile(r"(?:^|(?<=\s))Source: ")


def as_markdown(text: str) -> str:
    """Return a docstring whose doctests are fenced, whose roles are code, and whose sources are emphasised."""
    fenced = _DOCTEST.sub(lambda doctest: f"```pycon\n{doctest[0].rstrip()}\n```\n", text)
    bounds = _BOUND.sub(r"\1\\>", fenced)  # `kappa_max: > 0.` is a bound, not a quotation
    return _SOURCE.sub("*Source:* ", _ROLE.sub(r"`\1`", bounds))


class Docstrings(griffe.Extension):
    """Rewrite every docstring as it is read, and list the public names of packages that import them lazily."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

    def on_module_members(self, *, mod: griffe.Module, **kwargs: Any) -> None:
        """Export what a package imports for type checkers only: at run time it imports these names on first use."""
        if "lazy_exports" in mod.members:
            mod.exports = sorted(name for name, member in mod.members.items() if member.is_alias and not member.runtime)
