"""Measurements as stages of a study: made once, and again only where something they were made from has changed."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from evidence.progress import in_parallel
from evidence.studies import AnyStudy, EvidenceStudy, run_study
from patternscope.errors import InputError
from patternscope.results.json_csv import read_json, write_json
from patternscope.results.study import StoredResults
from patternscope.settings.study import StudySettings
from patternscope.study.stages import study_stages
from patternscope.workflow.cache_keys import file_digest, text_digest
from patternscope.workflow.programs import program_versions
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

_FILE = "measured.json"


def code_of(*modules: ModuleType) -> tuple[Path, ...]:
    """Return the files of modules."""
    return tuple(Path(str(module.__file__)) for module in modules)


@dataclass(frozen=True)
class Measurement:
    """What is measured of a study for a claim.

    It depends on all results and settings of the study, on the versions of the programs, and on some code: the module
    that measures, and what it names of others. Rows come back as JSON keeps them, with sorted keys.

    Attributes:
        claim: the folder here that the measurement belongs to.
        measure: returns plain JSON from a study and its results.
        code: files whose content it depends on, beside its own module.
    """

    claim: str
    measure: Callable[[Any, StoredResults], Any]
    code: tuple[Path, ...] = ()

    def of(self, study: EvidenceStudy) -> Any:
        """Bring a study and its measurement up to date, and return what was measured."""
        stage = self.stage(study)
        run_study(study, stage)
        return read_json(study.folder / Unit(stage.name).path / _FILE)

    def of_all(self, studies: Sequence[AnyStudy]) -> dict[AnyStudy, Any]:
        """Return what was measured of each study; they are measured in parallel, and a line is printed for each.

        InputError for no study: words of --studies that no name contains would replace a section by an empty one.
        """
        if not studies:
            raise InputError(f"{self.claim}: expected a study, got none; see --studies and the images that are missing")
        return dict(in_parallel(self.of, studies, lambda study: study.name))

    def stage(self, study: EvidenceStudy) -> Stage:
        """Return the measurement as a stage of the study."""
        return Stage(
            f"evidence/{self.claim}",
            version=1,
            run=partial(self._run, study),
            settings=tuple(StudySettings.model_fields),
            needs=tuple(Need(stage.name, checkpoint="all", layer="all") for stage in study_stages(study.settings())),
            external=self._code_digest,
        )

    def _run(self, study: EvidenceStudy, ctx: UnitContext) -> None:
        write_json(ctx.folder / _FILE, self.measure(study, StoredResults.of(ctx)))

    def _code_digest(self, settings: StudySettings, unit: Unit) -> str:
        """The digest of the code and programs that a measurement depends on."""
        files = (*code_of(sys.modules[self.measure.__module__]), *self.code)
        return text_digest("\n".join([*map(file_digest, files), str(sorted(program_versions().items()))]))
