"""Bad input, said in one line: which argument, what was seen, what is wanted."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used as it is; the command line ends with its text and exit code 2.

    The text is one line and names the argument, what was seen and what is wanted.
    Source: this project.
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a hint that names the valid name most like `name`, or lists the valid ones.

    Source: this project (difflib's ratio). The hint is a clause without a final stop.

    >>> nearest("conv_54", ["conv_53", "fc_1"])
    "did you mean 'conv_53'?"
    >>> nearest("zzz", ["conv_53", "fc_1"])
    "valid: 'conv_53', 'fc_1'"
    """
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(each) for each in names[:12])
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"valid: {shown}{more}"
