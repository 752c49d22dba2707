"""A study as a whole: run it, ask how far it is, read its settings back."""

import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from patternscope.errors import InputError
from patternscope.images.pictograms import CLASSES
from patternscope.networks import parse_device, resolve_device
from patternscope.results.json_csv import read_json
from patternscope.settings.core import Section
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.budget import Budget, count_images, make_budget
from patternscope.study.network_factory import student_layers, study_axes
from patternscope.study.stages import study_stages
from patternscope.study.stages.attack import check_target
from patternscope.study.stages.images import trains_here
from patternscope.study.stages.training import steps_of_checkpoints
from patternscope.workflow.plan import Plan, in_part, make_plan, until_stage
from patternscope.workflow.runner import Event, RunSummary, run_units
from patternscope.workflow.stages import Axes, Stage
from patternscope.workflow.status import UnitStatus, study_record_of, study_status
from patternscope.workflow.store import MANIFEST_FILE, STUDY_FILE


def run_study(
    folder: str | Path,
    settings: StudySettings,
    stages: Sequence[Stage] | None = None,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
    until: str | None = None,
    device: str = "auto",
    announce: Callable[[Budget], None] | None = None,
) -> RunSummary:
    """Bring the study in `folder` up to date with its settings; what is up to date is left alone.

    `stages` are `study_stages` of the settings by default. Layers that are not named are suggested by the
    network, and written into study.json. `announce` is told what the run takes before it starts; images of
    one's own are read first, since nobody knows their number. Other arguments as `run_units`. InputError for
    settings, images, networks and folders that cannot be used and, with `announce`, for a disk without room
    for what would be written.
    """
    # Workers elsewhere may have devices that this machine lacks.
    parse_device(device)
    if executor is None:
        resolve_device(device)
    folder, plan = Path(folder), study_plan(settings, stages)
    until_stage(plan, until)
    run = partial(run_units, folder, plan, report=report, device=device, keep_bulk=settings.keep_features)
    with _nothing_half_written(folder):
        first = RunSummary()
        if settings.images.source == "pictograms":
            _check_names_and_numbers(folder, settings, CLASSES)
        if announce is not None:
            if count_images(folder, settings) is None:
                first = run(until="images")
                classes = read_json(folder / "images/classes.json")["classes"]
                _check_names_and_numbers(folder, settings, classes)
            budget = make_budget(folder, plan, until=until, device=device)
            if budget is not None:
                budget.check_disk(folder)
                announce(budget)
        return first.then(run(executor=executor, until=until))


def _check_names_and_numbers(folder: Path, settings: StudySettings, classes: Sequence[str]) -> None:
    """Refuse what stages would refuse after hours of work, once classes and the number of images are known."""
    if settings.attack.enabled:
        check_target(settings.attack.target, classes)
    counts = count_images(folder, settings)
    if counts is not None and trains_here(settings):
        steps_of_checkpoints(settings.training, counts[2])


def study_plan(settings: StudySettings, stages: Sequence[Stage] | None = None) -> Plan:
    """Return the plan of a study with the layers that are really analysed; `stages` as of `run_study`.

    InputError as `study_axes`.
    """
    axes = study_axes(settings)
    return _plan(with_layers(settings, axes), stages, axes)


def _plan(settings: StudySettings, stages: Sequence[Stage] | None, axes: Axes) -> Plan:
    """The plan of a study; None stands for the stages that its settings ask for."""
    return make_plan(settings, study_stages(settings) if stages is None else stages, axes)


@contextmanager
def _nothing_half_written(folder: Path) -> Iterator[None]:
    """Take away again what a study without a single unit left behind, when its input could not be used."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        yield
    except InputError:
        if new and not any(folder.rglob(MANIFEST_FILE)):
            shutil.rmtree(folder, ignore_errors=True)
            for parent in new[1:]:
                # A parent made for this study alone is empty now; one that is not stays.
                with suppress(OSError):
                    parent.rmdir()
        raise


def with_layers(settings: StudySettings, axes: Axes) -> StudySettings:
    """Return the settings with the layers that are really analysed, those of students too.

    InputError when students have no such layers.

    >>> with_layers(StudySettings(), Axes(1, ("conv_53",))).network.layers
    ('conv_53',)
    """
    changed: dict[str, Section] = {"network": settings.network.model_copy(update={"layers": axes.layers})}
    if settings.distillation.enabled:
        layers = student_layers(settings, axes.layers)
        changed["distillation"] = settings.distillation.model_copy(update={"layers": layers})
    return settings.model_copy(update=changed)


def saved_settings(folder: str | Path) -> tuple[StudySettings, Axes]:
    """Return settings and axes of a study that was run before.

    InputError when the folder is no study, or its settings mean nothing to this version.
    """
    folder = Path(folder)
    record = study_record_of(folder)
    try:
        settings = make_settings(record["settings"], str(folder / STUDY_FILE), folder.resolve())
        return settings, Axes(int(record["checkpoints"]), tuple(record["layers"]))
    except (InputError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, InputError) else f"{folder / STUDY_FILE}: holds no such study"
        made_by = record.get("versions", {}).get("patternscope", "another version")
        raise InputError(
            f"{said}; patternscope {made_by} made this study: run its TOML file again with --out {folder}, which "
            "keeps what still holds"
        ) from error


def saved_status(folder: str | Path, stages: Sequence[Stage] | None = None) -> list[UnitStatus]:
    """Return the state of each unit of a study that was run before, read-only.

    InputError when the folder is no study.
    """
    settings, axes = saved_settings(folder)
    return _told(study_status(Path(folder), _plan(settings, stages, axes)))


def run_stages(
    folder: str | Path,
    stages: Sequence[Stage],
    part: str,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
) -> RunSummary:
    """Bring one stage or folder of stages of a study up to date, such as "figures", and nothing that it stands on.

    `stages` are all of the study; other arguments as `run_units`. InputError when the folder is no study, and
    when something that `part` stands on is not up to date.
    """
    folder, (settings, axes) = Path(folder), saved_settings(folder)
    plan = until_stage(_plan(settings, stages, axes), part)
    below = [each for each in study_status(folder, plan, digests=True) if not in_part(each.unit, part)]
    old = [each for each in _told(below) if not each.up_to_date]
    if old:
        raise InputError(
            f"{folder}: {len(old)} of {len(below)} units beneath {part} are not up to date ({old[0].unit.path} is "
            f"{old[0].state}); `patternscope run STUDY.toml --out {folder}` with the study's settings makes them"
        )
    given = {each.unit for each in below}
    return run_units(folder, plan, executor=executor, report=report, given=given)


def _told(status: list[UnitStatus]) -> list[UnitStatus]:
    """Warn once where what lies outside the study could not be compared."""
    unread = next((each for each in status if each.unread is not None), None)
    if unread is not None:
        warnings.warn(f"{unread.unread}; what was made from it is taken as it is", stacklevel=3)
    return status
