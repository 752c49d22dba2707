"""Bad input in one line: the argument, the expected and the actual value."""

import difflib
import sysconfig
import textwrap
import traceback
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_LONGEST = 1000  # characters of messages of other code
_INSTALLED = (Path(__file__).parent, Path(sysconfig.get_path("stdlib")))


class InputError(ValueError):
    """Input that cannot be used; the command line prints its text and ends with exit code 2.

    The text is one line: `where: expected X, got Y`, and what to do where that helps.
    """


def visible(text: str) -> str:
    """Return a text with control characters replaced by a question mark, since names must not control the terminal.

    Line ends and tabs stay.

    >>> visible("a\x1b[2Jb\u202ec")
    'a?[2Jb?c'
    """
    return "".join(letter if letter in "\n\t" or not _steers(letter) else "?" for letter in text)


def _steers(letter: str) -> bool:
    """Tell whether a character controls the terminal or changes the direction of text."""
    return unicodedata.category(letter) == "Cc" or letter in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a hint that names the valid name most like `name`, or lists the valid ones.

    Difflib's ratio. The hint is a clause without a final stop.

    >>> nearest("conv_54", ["conv_53", "fc_1"])
    "did you mean 'conv_53'?"
    >>> nearest("zzz", ["conv_53", "fc_1"])
    "valid: 'conv_53', 'fc_1'"
    """
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(name) for name in names[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"valid: {shown}{more}"


def fault(error: BaseException) -> str:
    """Return an exception of a user's code in one line: its type, its text, and the user's own file and line.

    The line is the last that ran in a file that is neither installed nor this project's; it is omitted if there is no
    such line.

    >>> fault(KeyError("x"))
    "KeyError: 'x'"
    """
    said = textwrap.shorten(f"{type(error).__name__}: {error}", _LONGEST, placeholder=" ...").removesuffix(":")
    own = [each for each in traceback.extract_tb(error.__traceback__) if _is_users(Path(each.filename))]
    return f"{said} ({own[-1].filename}, line {own[-1].lineno})" if own else said


def _is_users(path: Path) -> bool:
    """Tell whether a file is the user's: not part of Python, of an installed package or of this one."""
    installed = any(path.is_relative_to(each) for each in _INSTALLED)
    return path.is_file() and not installed and not {"site-packages", "dist-packages"} & set(path.parts)


def explain(error: "ValidationError", model: "type[BaseModel]") -> str:
    """Return the first error in the input of a pydantic model in one line, and the number of others.

    An error names the key path, the expected and the actual value and, for a misspelt name, the nearest valid one.

    >>> from pydantic import BaseModel, ConfigDict, ValidationError
    >>> class Training(BaseModel):
    ...     model_config = ConfigDict(extra="forbid")
    ...     epochs: int = 10
    >>> try:
    ...     Training(epoch=3)
    ... except ValidationError as error:
    ...     explain(error, Training)
    "epoch is unknown; did you mean 'epochs'?"
    """
    problems = error.errors(include_url=False)
    rest = len(problems) - 1
    more = f" (and {rest} more error{'s' * (rest > 1)})" if rest else ""
    return _explain_one(problems[0], model) + more


def _explain_one(problem: Any, root: "type[BaseModel]") -> str:
    """One problem: key path, expected and actual value, and the nearest valid name."""
    keys = [str(key) for key in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        names = list(_field_at(keys[:-1], root)[1].model_fields)
        return f"{'.'.join(keys)} is unknown; {nearest(keys[-1], names)}"
    path, _, description = _field_at(keys, root)
    if problem["type"] == "value_error":
        return f"{path}: {problem['ctx']['error']}"
    if problem["type"] in {"model_type", "model_attributes_type"}:
        return f"{path}: expected a section [{path}], got {problem['input']!r:.60}"
    expected = str(problem["msg"]).removeprefix("Input should be ")
    hint = ""
    if problem["type"] == "literal_error":
        choices = [part.strip("'") for part in expected.replace(" or ", ", ").split(", ")]
        hint = f"; {nearest(str(problem['input']), choices)}"
    if expected.startswith(("greater", "less")):
        expected = f"a number {expected}"
    return f"{path}: expected {expected}, got {problem['input']!r:.60} ({description}){hint}"


def _field_at(keys: list[str], root: "type[BaseModel]") -> "tuple[str, type[BaseModel], str]":
    """The setting that a key path leads to: its path, the model of it or around it, its description."""
    model, known, description = root, [], ""
    for key in keys:
        # Beyond a setting the path names members of unions and places in lists.
        if key not in model.model_fields or (known and model is root):
            break
        known.append(key)
        field = model.model_fields[key]
        description = field.description or ""
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
            model = field.annotation
    return ".".join(known) or "settings", model, description
