"""Stage atlas: the store that `view` and the notebook show, and one HTML file of it."""

from pathlib import Path
from typing import Any

from patternscope.atlas.export import TooLarge, export_single
from patternscope.atlas.page import SCRIPT, read_script
from patternscope.atlas.reading import read_content
from patternscope.atlas.store import write_store
from patternscope.errors import InputError
from patternscope.results.atlas import ATLAS_FILE, STORE_FOLDER, AtlasResult
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.controls import ControlsResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.networks import StudentAnalysisResult
from patternscope.results.pattern_tests import PatternTestsResult
from patternscope.results.patterns import PatternsResult
from patternscope.results.result import reads
from patternscope.results.study import StoredResults
from patternscope.results.training import TrainingResult
from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.stages import Stage, Unit, UnitContext
from patternscope.workflow.store import Store
from patternscope.workflow.verification import UnitCheck

_STORE_SHARE = 0.8  # of the work, for the progress bar
_IMAGES_SHARE = 0.2  # of the largest file: the rest is for positions and points

_SETTINGS = ("seed", "atlas", "network.architecture", "knowledge.bootstrap")
_NEEDS = (
    reads(ImagesResult, "images", "classes", "names", "fitted"),
    reads(TrainingResult, "name", checkpoint="all"),
    reads(FeaturesResult, "logits", checkpoint="all"),
    reads(FeaturesResult, "regional", checkpoint="last", layer="all"),
    reads(SampleResult, "embedding", "alignment", checkpoint="all"),
    reads(ImportanceResult, "region_weights", checkpoint="all", layer="all"),
    reads(RegionResult, "embedding", "grid", checkpoint="all", layer="all"),
    reads(KnowledgeResult, "mask", "counts", checkpoint="all", layer="all"),
    reads(EvidenceResult, "bits", "refit_category", "evidence", checkpoint="all", layer="all"),
)
_ATTACK_NEEDS = (reads(AttackResult), reads(AttackAnalysisResult, "trajectory", layer="all"))


_PATTERN_NEEDS = (
    reads(PatternsResult, "pattern", "patterns", layer="all"),
    reads(PatternTestsResult, "tests", layer="all"),
)


def atlas_stage(
    *,
    attack: bool = False,
    controls: bool = False,
    patterns: bool = False,
    replicates: bool = False,
    students: tuple[str, ...] = (),
) -> Stage:
    """Return the stage that makes a study's atlas, with attack, controls, patterns and students if it has these.

    With `replicates` the page states that it shows one network of several.
    """
    needs = _NEEDS + (_ATTACK_NEEDS if attack else ())
    needs += (reads(ControlsResult, "permuted", layer="all"),) if controls else ()
    needs += _PATTERN_NEEDS if patterns else ()
    return Stage(
        AtlasResult.STAGE,
        version=3,
        run=run_atlas,
        settings=(*_SETTINGS, *(("replicates",) if replicates else ())),
        needs=needs + tuple(reads(StudentAnalysisResult, variant=student) for student in students),
        external=_script_digest,
        weight=4.0,
    )


def run_atlas(ctx: UnitContext) -> None:
    """Write the store, the HTML file within its limit, and what the file omits."""
    architecture, resamples = ctx.settings.network.architecture, ctx.settings.knowledge.bootstrap
    networks = ctx.settings.replicates.count if hasattr(ctx.settings, "replicates") else 1
    results = StoredResults.of(ctx)
    content = read_content(results, architecture=architecture, resamples=resamples, networks=networks)
    store = ctx.folder / STORE_FOLDER
    image_bytes = _IMAGES_SHARE * 1e6 * ctx.settings.atlas.max_mb
    write_store(store, content, lambda fraction, text: ctx.report(_STORE_SHARE * fraction, text), image_bytes)
    ctx.report(_STORE_SHARE, ATLAS_FILE)
    try:
        exported = export_single(content, store, ctx.folder / ATLAS_FILE, ctx.settings.atlas.max_mb)
        result = AtlasResult(size=exported.size, omitted=exported.omitted, refused=None)
    except TooLarge as error:
        # The study is complete without this file: `view` and the notebook show the store.
        result = AtlasResult(size=None, omitted=(), refused=str(error))
    result.save(ctx.folder)


def store_of(study: Path) -> Path:
    """Return the store of a study's atlas, whose files are verified; InputError when there is none or it is damaged.

    Cost: 1.7 GB per second, once per process.
    """
    store = AtlasResult.store_folder(study)
    if not (store / "zarr.json").is_file():
        raise InputError(f"{study}: expected a study with an atlas; `patternscope atlas {study}` makes it")
    UnitCheck(Store(study), Unit(AtlasResult.STAGE))(f"{STORE_FOLDER}/")
    return store


def _script_digest(settings: Any, unit: Unit) -> str:
    """The page's script is part of the HTML, so another script is another atlas."""
    read_script(SCRIPT)
    return file_digest(SCRIPT)
