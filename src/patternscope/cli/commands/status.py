"""`patternscope status`."""

import json
from typing import Annotated

import typer

from patternscope.cli.options import AsJson, StudyFolder, option


def status(
    folder: StudyFolder,
    every: Annotated[bool, option("--all", "Print a row per unit of work.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which parts of a study are done.

    Each stage at each checkpoint and layer is done, dropped (done, its features not kept), running, missing, stale
    (made with other settings) or damaged.

    Examples: patternscope status runs/demo; patternscope status runs/demo --all
    """
    from patternscope.api.stages import pages_of
    from patternscope.cli.status_table import print_status, print_units, status_rows
    from patternscope.study.run import saved_status

    units = saved_status(folder, pages_of)
    if as_json:
        typer.echo(json.dumps(status_rows(units), indent=1))
    elif every:
        print_units(units)
    else:
        print_status(units)
