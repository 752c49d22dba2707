"""A study as a whole: run it, query its status, read its settings back."""

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from patternscope.embeddings.settings import dimensions
from patternscope.errors import InputError
from patternscope.images import count_classes
from patternscope.knowledge.points import threshold
from patternscope.networks import parse_device, resolve_device
from patternscope.results.images import ImagesResult
from patternscope.results.study import read_record
from patternscope.settings.core import Section
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.analysed_network import dry_network, is_analysed_as_it_is
from patternscope.study.axes import student_layers, study_axes
from patternscope.study.budget import Budget, ImageCounts, count_images, make_budget
from patternscope.study.stages import on_threads, study_stages
from patternscope.study.stages.attack import check_target
from patternscope.study.stages.images import trains_here
from patternscope.study.stages.training import steps_of_checkpoints
from patternscope.workflow.manifest import MANIFEST_FILE
from patternscope.workflow.plan import Plan, in_part, make_plan, until_stage
from patternscope.workflow.runner import Event, RunSummary, run_units
from patternscope.workflow.stages import Axes, Stage, Unit
from patternscope.workflow.status import UnitStatus, study_status
from patternscope.workflow.store import STUDY_FILE, Store

# Folders that an earlier version gave to stages.
_EARLIER_NAMES = {"attack_analysis": "adversarial", "student_analysis": "distilled"}
MoreStages = Callable[[StudySettings], Sequence[Stage]]


def no_more_stages(settings: StudySettings) -> Sequence[Stage]:
    """Return no stage beyond those of the study itself: neither figures nor a page."""
    return ()


def run_analysis(
    folder: str | Path,
    settings: StudySettings,
    more: MoreStages = no_more_stages,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
    until: str | None = None,
    device: str = "auto",
    announce: Callable[[Budget], None] | None = None,
) -> RunSummary:
    """Bring the study in `folder` up to date with its settings; what is up to date is not changed.

    The stages of `more` run in addition to those of the study. Layers that are not named are suggested and written into
    study.json. The images are read first if their classes are unknown. `announce` is called with the estimated cost
    before the run starts. Other arguments as in `run_units`. InputError for settings, images, networks and folders that
    cannot be used and, with `announce`, for a disk without room for what would be written.
    """
    # Workers elsewhere may have devices that this machine lacks.
    parse_device(device)
    if executor is None:
        resolve_device(device)
    folder = Path(folder)
    Store(folder).check_place()
    plan = study_plan(settings, more, folder=folder)
    until_stage(plan, until)
    run = partial(run_units, folder, report=report, device=device, keep_bulk=settings.keep_features)
    with _nothing_half_written(folder):
        read = RunSummary()
        if count_images(folder, settings) is None:
            read = run(plan, until=ImagesResult.STAGE)
            plan = study_plan(settings, more, folder=folder)
        counts = count_images(folder, settings)
        if counts is not None:
            _check_names_and_numbers(settings, counts)
        if announce is not None and (budget := make_budget(folder, plan, until=until, device=device)) is not None:
            budget.check_disk(folder)
            announce(budget)
        return read.then(run(plan, executor=executor, until=until))


def _check_names_and_numbers(settings: StudySettings, counts: ImageCounts) -> None:
    """Refuse early what stages would refuse after hours of work, once classes and the number of images are known."""
    if settings.attack.enabled:
        check_target(settings.attack.target, counts.classes)
    if is_analysed_as_it_is(settings):
        dry_network(settings, counts.classes)
    if trains_here(settings):
        steps_of_checkpoints(settings.training, counts.train)


def study_plan(settings: StudySettings, more: MoreStages = no_more_stages, *, folder: Path | None = None) -> Plan:
    """Return the plan of a study with its actual layers; InputError as `study_axes`.

    Open settings are resolved if the classes are known: before the images are read or, in a `folder` that contains
    them, afterwards.
    """
    axes = study_axes(settings)
    return _plan(with_layers(settings, axes), more, axes, folder)


def _plan(settings: StudySettings, more: MoreStages, axes: Axes, folder: Path | None) -> Plan:
    """The plan of a study."""
    images = settings.images
    classes = count_classes(images.source, images.folder, images.class_names)
    if classes is None and folder is not None:
        counts = count_images(folder, settings)
        classes = None if counts is None else len(counts.classes)
    resolved = settings if classes is None else resolved_settings(settings, classes)
    stages = on_threads((*study_stages(settings), *more(settings)), settings)
    return make_plan(settings, stages, axes, resolved)


def resolved_settings(settings: StudySettings, classes: int) -> StudySettings:
    """Return the settings with every "auto" that depends on the number of classes replaced by its value.

    >>> resolved = resolved_settings(StudySettings(), 10)
    >>> resolved.knowledge.tau, resolved.sample.out_dim
    (0.4, 9)
    """
    knowledge = {"tau": threshold(settings.knowledge.tau, classes)}
    sample = {"out_dim": dimensions(settings.sample.out_dim, classes)}
    return settings.model_copy(
        update={
            "knowledge": settings.knowledge.model_copy(update=knowledge),
            "sample": settings.sample.model_copy(update=sample),
        }
    )


@contextmanager
def _nothing_half_written(folder: Path) -> Iterator[None]:
    """Remove the leftovers of a study without a single unit, whose input could not be used."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        yield
    except InputError:
        if new and not any(folder.rglob(MANIFEST_FILE)):
            shutil.rmtree(folder, ignore_errors=True)
            for parent in new[1:]:
                # A parent folder that was made only for this study is empty now; others are kept.
                with suppress(OSError):
                    parent.rmdir()
        raise


def with_layers(settings: StudySettings, axes: Axes) -> StudySettings:
    """Return the settings with the actual layers, including those of students.

    InputError if students have no such layers.

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

    InputError if the folder is not a study, or this version cannot read its settings.
    """
    folder = Path(folder)
    content = Store(folder).read_study()
    versions = {} if content is None else content.get("versions", {})
    made_by = versions.get("patternscope") if isinstance(versions, Mapping) else "another version"
    try:
        record = read_record(folder)
        settings = make_settings(_as_made(record.settings), str(folder / STUDY_FILE), folder.resolve())
    except InputError as error:
        if content is None:
            raise
        raise InputError(
            f"{error}; patternscope {made_by} made this study: run its TOML file again with --out {folder}, which "
            "keeps what is still valid"
        ) from error
    return settings, Axes(record.checkpoints, record.layers)


def _as_made(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a study on disk: if an earlier version wrote them, no training started from weights."""
    network = settings.get("network", {})
    return {**settings, "network": {"fine_tune": False, **network}} if isinstance(network, Mapping) else dict(settings)


def saved_status(
    folder: str | Path, more: MoreStages = no_more_stages, *, parts: bool = True, digests: bool = False
) -> list[UnitStatus]:
    """Return the state of each unit of a study that was run before, read-only.

    Without `parts`, its optional parts do not count. Files are compared by size and, with `digests`, by content
    (1.7 GB per second). InputError if the folder is not a study.
    """
    folder, (settings, axes) = Path(folder), saved_settings(folder)
    plan = _plan(settings, more, axes, folder)
    status = _told(study_status(folder, plan, digests=digests))
    return [unit for unit in status if parts or plan.stage(unit.unit).part is None]


def run_part(
    folder: str | Path,
    part: str,
    more: MoreStages,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
) -> RunSummary:
    """Bring one stage or folder of stages of a study up to date, such as "figures", but not its inputs.

    Other arguments as `run_units`. InputError if the folder is not a study, or an input of `part` is not up to date.
    """
    folder, (settings, axes) = Path(folder), saved_settings(folder)
    plan = until_stage(_plan(settings, more, axes, folder), part)
    below = [unit for unit in study_status(folder, plan, digests=True) if not in_part(unit.unit, part)]
    old = [unit for unit in _told(below) if not unit.up_to_date]
    if old:
        raise InputError(
            f"{folder}: {len(old)} of {len(below)} input units of {part} are not up to date ({old[0].unit.path} is "
            f"{old[0].state}); {how_to_finish(folder, settings, old[0].unit)}"
        )
    given: set[Unit] = {unit.unit for unit in below}
    return run_units(folder, plan, executor=executor, report=report, given=given)


def how_to_finish(folder: Path, settings: StudySettings, unit: Unit) -> str:
    """Return the remedy for a unit that is not up to date, for an error."""
    if settings.images.in_memory:
        return "ps.analyze made this study from a network and images in memory: analyze them again, and save"
    command = f"`patternscope run STUDY.toml --out {folder}` with the study's settings"
    earlier = _EARLIER_NAMES.get(unit.stage.partition("/")[0])
    if earlier is None or not (folder / earlier).is_dir():
        return f"{command} finishes the study"
    return f"{command} computes it again and keeps the rest: an earlier version made this study"


def _told(status: list[UnitStatus]) -> list[UnitStatus]:
    """Warn once if files outside the study could not be compared."""
    unread = next((unit for unit in status if unit.unread is not None), None)
    if unread is not None:
        warnings.warn(f"{unread.unread}; results made from it are reused unchanged", stacklevel=3)
    return status
