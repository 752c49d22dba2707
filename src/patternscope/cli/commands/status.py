"""`patternscope status`."""

import json
import warnings
from pathlib import Path
from typing import Annotated

import typer

from patternscope.cli.options import AsJson, StudyFolder, option
from patternscope.errors import InputError


def status(
    folder: StudyFolder,
    every: Annotated[bool, option("--all", "Print a row per unit of work.")] = False,
    check: Annotated[bool, option("--check", "Compare the content of every file; exit code 1 for damage.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which parts of a study are done.

    Each stage at each checkpoint and layer is done, dropped (done, its features not kept), running, missing, stale
    (made with other settings) or damaged. Files are compared by their size; --check reads all of them, at about 1.7 GB
    a second. None of the study's code runs.

    Examples: patternscope status runs/demo; patternscope status runs/demo --all; patternscope status runs/demo --check
    """
    from patternscope.api.stages import pages_of
    from patternscope.cli.status_table import print_status, print_units, status_rows
    from patternscope.study.run import saved_status

    units = saved_status(folder, pages_of, digests=check)
    mixed = None if any(unit.state == "damaged" for unit in units) else _mixed(folder)
    if mixed is not None:
        warnings.warn(mixed, stacklevel=2)
    if as_json:
        typer.echo(json.dumps(status_rows(units), indent=1))
    elif every:
        print_units(units)
    else:
        print_status(units)
    if check and any(status.state == "damaged" for status in units):
        raise typer.Exit(1)


def _mixed(folder: Path) -> str | None:
    """The warning for units of several versions; None while a run replaces units."""
    from patternscope.results.provenance import provenance_of

    try:
        return provenance_of(folder).mixed
    except InputError:
        return None
