"""Networks side by side on the terminal: a study's students, and the command `compare`."""

from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from patternscope.cli.printing import new_table, say, show, with_interval
from patternscope.errors import InputError, nearest
from patternscope.figures import distilled_counts, distilled_histograms
from patternscope.figures.compared import Compared, students_of, studies_of
from patternscope.results.findings import open_findings
from patternscope.study.comparison import Maps, compare_studies, open_finished, replaced_folder
from patternscope.study.run import saved_settings


def compare_folders(first: Path, second: Path, out: Path, maps: str) -> None:
    """Compare two studies into `out`, draw the figures there, and print the table.

    InputError for studies that cannot be compared, unknown `maps`, and an `out` that holds something else.
    """
    if maps not in get_args(Maps):
        raise InputError(f"--maps: saw {maps!r}; {nearest(maps, get_args(Maps))}")
    studies = open_finished(first), open_finished(second)
    with replaced_folder(out) as folder:
        shown = studies_of(compare_studies(*studies, folder, maps=cast(Maps, maps)))
        dpi = studies[0].settings.figures.dpi
        for figure, name in (
            (distilled_counts.FIGURE, "counts"),
            (distilled_histograms.FIGURE, "histograms"),
        ):
            replace(figure, name=name).save(shown, folder, dpi)
    print_compared(shown)
    say(str(out))


def print_students(folder: Path) -> None:
    """Print the teacher and its students, where the study has come that far."""
    students = saved_settings(folder)[0].distillation.students
    if all((folder / "distilled" / name / "distilled.json").is_file() for name in students):
        print_compared(students_of(open_findings(folder)))


def print_compared(shown: Compared) -> None:
    """Print a row a layer and network: counts with intervals, and how many more reliable points than the first's."""
    say(shown.networks)
    table = new_table("layer", "network", "total", "reliable", "ratio", "reliable more", "maps")
    for row in distilled_counts.table(shown):
        numbers = [with_interval(row, name) for name in ("total", "reliable", "ratio")]
        compared = row["difference_reliable"] is not None
        more = with_interval(row, "difference_reliable", signed=True) if compared else ""
        table.add_row(row["layer"], row["network"], *numbers, more, row["maps"].removesuffix(" maps"))
    show(table)
    say(f"reliable more: than {shown.first} has on the same images; 95 % intervals over images")
