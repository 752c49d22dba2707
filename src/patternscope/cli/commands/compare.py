"""`patternscope compare`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from patternscope.cli.options import argument, option
from patternscope.errors import InputError, nearest


def compare(
    first: Annotated[Path, argument("STUDY_A", "Folder of a study.")],
    second: Annotated[Path, argument("STUDY_B", "Folder of another study.")],
    out: Annotated[Path | None, option("--out", "Folder of the comparison.")] = None,
    maps: Annotated[str, typer.Option(help="auto, own or first: whose maps show the features of B.")] = "auto",
) -> None:
    """Compare two finished studies of the same images.

    Shows the counts of each layer side by side, intervals of their differences, and how much the regions turned.
    Writes into runs/compare-A-B unless --out says otherwise.

    Example: patternscope compare runs/resnet runs/vgg
    """
    from patternscope.api.running import RUNS
    from patternscope.cli.printing import say
    from patternscope.cli.tables.student_analysis import print_networks
    from patternscope.figures import load_figure
    from patternscope.figures.drawing.compared_networks import studies_of
    from patternscope.study.comparison import Maps, compare_studies, comparison_folder, open_finished

    if maps not in get_args(Maps):
        raise InputError(f"--maps: expected auto, own or first, got {maps!r}; {nearest(maps, get_args(Maps))}")
    target = out or RUNS / f"compare-{first.resolve().name}-{second.resolve().name}"
    studies = open_finished(first), open_finished(second)
    with comparison_folder(target) as folder:
        shown = studies_of(compare_studies(*studies, folder, maps=cast(Maps, maps)))
        for name in ("counts", "histograms"):
            figure = replace(load_figure(f"distilled_{name}"), name=name)
            figure.save(shown, folder, studies[0].settings.figures.dpi)
    print_networks(shown)
    say(str(target))
