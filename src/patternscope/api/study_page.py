"""The report of a study on disk: its results, its settings, and how to reproduce it."""

from pathlib import Path

from patternscope.api.stages import pages_of
from patternscope.errors import InputError
from patternscope.report.contents import Setup
from patternscope.report.page import Page, Reproduction, read_page
from patternscope.report.pictures import read_pictures
from patternscope.results.atlas import AtlasResult
from patternscope.results.provenance import provenance_of
from patternscope.results.study import open_results
from patternscope.results.summary import SummaryResult
from patternscope.settings.study import DEMO_FILE, StudySettings, load_settings
from patternscope.settings.toml import settings_toml
from patternscope.study.run import how_to_finish, saved_settings, saved_status, with_layers
from patternscope.workflow.stages import Axes, Unit
from patternscope.workflow.store import Store

SETTINGS_FILE = "study.toml"


def read_study_page(folder: Path) -> Page:
    """Return the page of a study: of its results, with the figures that are up to date.

    InputError for a folder that is no study, and for one that is not finished.
    """
    settings, axes = saved_settings(folder)
    states = saved_status(folder, pages_of)
    for status in states:
        page = status.unit.stage.startswith("figures/") or status.unit.stage == AtlasResult.STAGE
        if not page and not status.up_to_date:
            raise InputError(
                f"{folder}: expected a finished study, got one whose {status.unit.path} is {status.state}; "
                f"{how_to_finish(folder, settings, status.unit)}"
            )
    setup = Setup(
        settings.network.architecture,
        settings.images.source if settings.images.folder is None else settings.images.folder.name,
        settings.images.samples_per_class,
        settings.knowledge.bootstrap,
    )
    reproduction = _reproduction(folder, settings, axes)
    return read_page(open_results(folder), setup, reproduction, read_pictures(folder, states))


def repeat_command(settings: StudySettings, axes: Axes) -> str:
    """Return the command that repeats the study, in a separate folder.

    >>> demo = load_settings(DEMO_FILE)
    >>> repeat_command(demo, Axes(8, demo.network.layers)), repeat_command(StudySettings(seed=1), Axes())
    ('patternscope demo --out again', 'patternscope run study.toml --out again')
    """
    demo = load_settings(DEMO_FILE)
    for candidate, flag in ((demo, ""), (demo.with_all_parts(), "--full ")):
        if with_layers(candidate, axes) == settings:
            return f"patternscope demo {flag}--out again"
    return f"patternscope run {SETTINGS_FILE} --out again"


def _reproduction(folder: Path, settings: StudySettings, axes: Axes) -> Reproduction:
    """How to repeat a study, and the digest of the expected results."""
    summary = Store(folder).manifest(Unit(SummaryResult.STAGE))
    return Reproduction(
        command=repeat_command(settings, axes),
        settings_file=SETTINGS_FILE,
        short_settings=settings_toml(settings),
        settings=settings_toml(settings, everything=True),
        provenance=provenance_of(folder),
        seed=settings.seed,
        digest="" if summary is None else summary.files[f"{SummaryResult.STAGE}.json"][1],
        in_memory=settings.images.in_memory,
    )
