"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from patternscope.errors import InputError


def argument(name: str, meaning: str) -> Any:
    """Return a required argument, shown under a name."""
    return typer.Argument(metavar=name, help=meaning, show_default=False)


def option(flag: str, meaning: str, **more: Any) -> Any:
    """Return an option without a default."""
    return typer.Option(flag, help=meaning, show_default=False, **more)


StudyFolder = Annotated[Path, argument("DIR", "Folder of a study.")]
Out = Annotated[Path | None, option("--out", "Folder of the study.")]
Workers = Annotated[int, typer.Option(help="Processes that share the work; 1 works in this process.")]
_SCHEDULER = "Dask scheduler whose workers share the work, such as tcp://10.0.0.1:8786."
_EXCHANGE = "Object store that files pass through if workers do not see the study's folder: s3://bucket/folder."
Exchange = Annotated[str | None, option("--exchange", _EXCHANGE, metavar="ADDRESS")]
Scheduler = Annotated[str | None, option("--scheduler", _SCHEDULER, metavar="ADDRESS")]
Until = Annotated[str | None, typer.Option(help="Last stage to run, for example features.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
AsJson = Annotated[bool, option("--json", "Print JSON instead of a table.")]


def html_file(file: Path, name: str) -> Path:
    """Return the HTML file that an option names; InputError for another kind, so that no other file is replaced.

    >>> html_file(Path("runs/demo/study.json"), "--out")
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: --out: expected a file that ends in .html, got 'runs/demo/study.json'
    """
    if file.suffix.lower() not in {".html", ".htm"}:
        raise InputError(f"{name}: expected a file that ends in .html, got {'' if file == Path() else str(file)!r}")
    return file
