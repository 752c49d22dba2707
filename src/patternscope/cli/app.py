"""The commands, one per file. Heavy imports wait until a command runs, so that --help answers at once."""

from typing import Annotated

import typer

from patternscope import __version__
from patternscope.cli.commands.atlas import atlas
from patternscope.cli.commands.compare import compare
from patternscope.cli.commands.demo import demo
from patternscope.cli.commands.diff import diff
from patternscope.cli.commands.figures import figures
from patternscope.cli.commands.layers import layers
from patternscope.cli.commands.look import look
from patternscope.cli.commands.report import report
from patternscope.cli.commands.run import run
from patternscope.cli.commands.settings import settings
from patternscope.cli.commands.status import status
from patternscope.cli.commands.view import view

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def patternscope(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """See when and where an image classifier learns the patterns that distinguish classes.

    Start with the built-in images, which takes a few minutes:

        patternscope demo

    Then describe a study of your own in a TOML file and run it; a second run computes only what changed:

        patternscope run study.toml

        patternscope status runs/study
    """
    if version:
        typer.echo(__version__)
        raise typer.Exit


for command in (demo, run, status, layers, settings, figures, compare, diff, look, report, atlas, view):
    app.command()(command)
