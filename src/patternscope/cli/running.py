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
from patternscope.report.parts.trust import omitted_images
from patternscope.results.atlas import AtlasResult
from patternscope.results.images import ImagesResult
from patternscope.results.provenance import provenance_of
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
    """Bring the figures or the atlas of a study up to date and print its results; InputError as `run_part`."""
    executor, (settings, _) = executor_of(workers), saved_settings(folder)
    with progress(sys.stderr) as report:
        summary = run_part(folder, part, pages_of, executor=executor, report=report)
    _print_outcome(folder, settings, summary)


def _print_outcome(folder: Path, settings: StudySettings, summary: RunSummary) -> None:
    """Print the summary of the run, the results, and where they are."""
    if summary.done:
        units = f"{len(summary.done)} unit{'s' * (len(summary.done) != 1)}"
        say(f"{folder}: ran {units}, {len(summary.kept)} were up to date")
    else:
        say(f"{folder}: nothing to do, all {len(summary.kept)} units are up to date")
    results = open_results(folder)
    if results.has(ImagesResult):
        for sentence in omitted_images(results.images, settings.images.samples_per_class):
            tell(sentence)
    if results.has(TrainingResult) and (sentence := results.training().head_sentence):
        tell(sentence)
    made = provenance_of(folder)
    if made.mixed is not None:
        warnings.warn(made.mixed, stacklevel=2)
    write_videos(folder / "figures")
    print_tables(results)
    if made.machines_text is not None:
        tell(f"computed on {made.machines_text}")
    _print_files(folder, results)


def _print_files(folder: Path, results: StudyResults) -> None:
    """Print where to look, and what the atlas omits."""
    for place in (folder / SummaryResult.STAGE, folder / "figures", AtlasResult.html_file(folder)):
        if place.exists():
            say(str(place))
    if results.has(AtlasResult):
        atlas = results.load(AtlasResult)
        for line in atlas.omitted if atlas.refused is None else [atlas.refused]:
            tell(f"{AtlasResult.html_file(Path())}: {line}")
