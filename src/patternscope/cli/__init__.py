"""The command line: `patternscope`."""

import os
import sys
import warnings
from collections.abc import Sequence

from patternscope.errors import InputError

_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit code 0, or 2 with one clear line for bad input, 130 when interrupted.

    A traceback is a bug.
    """
    from patternscope.cli.app import app

    with warnings.catch_warnings():
        warnings.showwarning = _one_line_warning
        given = list(sys.argv[1:] if arguments is None else arguments)
        sys.exit(_exit_code(app, given or ["--help"]))


def _exit_code(app: object, arguments: list[str]) -> int:
    """Run the app and turn what the user did wrong into one line."""
    import typer

    try:
        result = typer.main.get_command(app)(arguments, prog_name="patternscope", standalone_mode=False)  # type: ignore[arg-type]
    except InputError as error:
        return _refused(str(error))
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more while it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except Exception as error:
        # Usage errors of typer and of the click it may stand on have this method and nothing else in common.
        said = getattr(error, "format_message", None)
        if said is None:
            raise
        return _refused(f"{said()} See patternscope --help.")
    # Ctrl-C comes back from typer as this exit code.
    return _stopped() if result == _STOPPED else result if isinstance(result, int) else 0


def _stopped() -> int:
    """Say after Ctrl-C that nothing is lost."""
    sys.stderr.write("\nstopped; finished units are kept: run again to go on\n")
    return _STOPPED


def _refused(text: str) -> int:
    """Say why on one line of stderr."""
    line = " ".join(text.split())
    sys.stderr.write(f"error: {line}\n")
    return 2


def _one_line_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Say a warning without the place in the code."""
    sys.stderr.write(f"warning: {' '.join(str(message).split())}\n")
