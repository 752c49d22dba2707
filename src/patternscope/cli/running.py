"""Running a study or a part of it, and printing the results."""

import sys
import warnings
from pathlib import Path

from patternscope.api.running import executor_of
from patternscope.api.stages import pages_of
from patternscope.cli.budgeting import announce
from patternscope.cli.printing import say, tell
from patternscope.cli.progress import progress
from patternscope.cli.tables import print_tables
from patternscope.figures.drawing.video import write_videos
from patternscope.report.formatting import counted
from patternscope.report.parts.trust import no_better_than_chance, omitted_images
from patternscope.results.atlas import AtlasResult
from patternscope.results.images import ImagesResult
from patternscope.results.provenance import Provenance, provenance_of
from patternscope.results.study import StudyResults, open_results
from patternscope.results.summary import SummaryResult
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis, run_part, saved_settings
from patternscope.workflow.runner import RunSummary


def run_and_print(
    folder: Path,
    settings: StudySettings,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    exchange: str | None = None,
    until: str | None = None,
    device: str = "auto",
) -> None:
    """Run a study and print its results; InputError as `run_study`."""
    executor = executor_of(workers, scheduler, exchange)
    with progress(sys.stderr) as report:
        summary = run_analysis(
            folder,
            settings,
            pages_of,
            executor=executor,
            report=report,
            until=until,
            device=device,
            announce=announce(folder, settings),
        )
    _print_outcome(folder, settings, summary)


def run_part_and_print(folder: Path, part: str, workers: int = 1) -> None:
    """Bring the figures or the atlas of a study up to date and print where they are; InputError as `run_part`."""
    executor, (settings, _) = executor_of(workers), saved_settings(folder)
    with progress(sys.stderr) as report:
        summary = run_part(folder, part, pages_of, executor=executor, report=report)
    results = open_results(folder)
    _print_units(folder, settings, summary, results, provenance_of(folder))
    if part == "figures":
        say(str(folder / "figures"))
    else:
        _print_atlas(folder, results)


def _print_outcome(folder: Path, settings: StudySettings, summary: RunSummary) -> None:
    """Print the summary of the run, the results, and where they are."""
    results, made = open_results(folder), provenance_of(folder)
    _print_units(folder, settings, summary, results, made)
    print_tables(results)
    if made.machines_text is not None:
        tell(f"computed on {made.machines_text}")
    for place in (folder / SummaryResult.STAGE, folder / "figures"):
        if place.exists():
            say(str(place))
    _print_atlas(folder, results)


def _print_units(
    folder: Path, settings: StudySettings, summary: RunSummary, results: StudyResults, made: Provenance
) -> None:
    """Print how much was computed and reused, what the results lack, and a warning if several versions made them."""
    if summary.done:
        say(f"{folder}: ran {counted(len(summary.done), 'unit')}, {len(summary.kept)} were up to date")
    else:
        say(f"{folder}: nothing to do, all {counted(len(summary.kept), 'unit')} are up to date")
    if results.has(ImagesResult):
        for sentence in omitted_images(results.images, settings.images.samples_per_class):
            tell(sentence)
    if results.has(TrainingResult):
        last = results.training()
        low = no_better_than_chance(last.held_out_accuracy, last.held_out_images, len(results.classes))
        for sentence in (last.head_sentence, low):
            if sentence is not None:
                tell(sentence)
    if made.mixed is not None:
        warnings.warn(made.mixed, stacklevel=2)
    write_videos(folder / "figures")


def _print_atlas(folder: Path, results: StudyResults) -> None:
    """Print where the atlas is, and what it omits."""
    page = AtlasResult.html_file(folder)
    if page.exists():
        say(str(page))
    if results.has(AtlasResult):
        atlas = results.load(AtlasResult)
        for line in atlas.omitted if atlas.refused is None else [atlas.refused]:
            tell(f"{AtlasResult.html_file(Path())}: {line}")
