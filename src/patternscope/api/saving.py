"""An analysis in memory as a study on disk."""

import shutil
from pathlib import Path

from patternscope.api.stages import pages_of
from patternscope.atomic import replaced_folder
from patternscope.errors import InputError
from patternscope.results.study import ResultsInMemory
from patternscope.settings.study import StudySettings
from patternscope.study.run import resolved_settings, run_part
from patternscope.study.stages import on_threads, study_stages
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.manifest import Manifest, seal
from patternscope.workflow.plan import make_plan, unit_key
from patternscope.workflow.runner import study_record
from patternscope.workflow.stages import Axes, Unit
from patternscope.workflow.store import Store


def save_study(results: ResultsInMemory, settings: StudySettings, folder: Path) -> None:
    """Write results as a study whose units are up to date with its settings; InputError for a non-empty folder."""
    with plain_errors(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"save: expected an empty or new folder, got content in {folder}")
        with replaced_folder(folder, (), "an empty one") as fresh:
            _write_units(results, settings, fresh)


def _write_units(results: ResultsInMemory, settings: StudySettings, folder: Path) -> None:
    """Write the units of a study, each with its manifest."""
    axes = Axes(1, tuple(results.layers()))
    stages = on_threads(study_stages(settings), settings)
    plan = make_plan(settings, stages, axes, resolved_settings(settings, len(results.classes)))
    store = Store(folder)
    manifests: dict[Unit, Manifest] = {}
    with store.locked():
        store.write_study(study_record(plan))
        for unit in plan.units:
            partial = store.open_partial(unit)
            try:
                results.results[unit].save(partial)
                seal(partial, unit, unit_key(plan, unit, manifests))
                store.publish(unit, partial)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            manifest = store.manifest(unit)
            if manifest is not None:
                manifests[unit] = manifest


def write_atlas(folder: Path) -> None:
    """Write only the atlas of a study, without its inputs."""
    run_part(folder, "atlas", pages_of)
