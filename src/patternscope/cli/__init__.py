"""The command line `patternscope`: exit codes, and one line on stderr for what was wrong."""

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from patternscope.errors import InputError, visible

_BAD_INPUT, _STOPPED = 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exit with 0, with 2 and one line for bad input, or with 130 when interrupted.

    Any other exception is a bug, and ends in a traceback.
    """
    from patternscope.cli.app import app

    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_warnings():
        sys.exit(_exit_code(app, given or ["--help"]))


def _exit_code(app: Any, arguments: list[str]) -> int:
    """Run the app and return its exit code; bad input becomes one line on stderr."""
    import typer

    try:
        result = typer.main.get_command(app)(arguments, prog_name="patternscope", standalone_mode=False)
    except InputError as error:
        return write_error(str(error))
    except BrokenPipeError:
        # The reader has closed the pipe; Python would complain again when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        from patternscope.workflow.disk_errors import REFUSALS

        if error.filename is None or error.errno not in REFUSALS:
            raise
        return write_error(f"{error.filename}: {REFUSALS[error.errno]}")
    except (KeyboardInterrupt, typer.Abort):
        return write_stopped("units")
    except Exception as error:
        # Usage errors of typer and of click, which it may build on, have only this method in common.
        usage = getattr(error, "format_message", None)
        if usage is None:
            raise
        return write_error(f"{usage()} See patternscope --help.")
    # Ctrl-C comes back from typer as this exit code.
    return write_stopped("units") if result == _STOPPED else result if isinstance(result, int) else 0


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print warnings on one line, without the place in the code, until the block ends."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _write_line("warning", str(message))
        yield


def write_error(text: str) -> int:
    """Print the error of bad input on one line; return the exit code."""
    _write_line("error", text)
    return _BAD_INPUT


def write_stopped(kept: str) -> int:
    """Print after Ctrl-C that finished work is kept; return the exit code."""
    sys.stderr.write(f"\nstopped; finished {kept} are kept: run again to continue\n")
    return _STOPPED


def _write_line(kind: str, text: str) -> None:
    sys.stderr.write(f"{kind}: {visible(' '.join(text.split()))}\n")
