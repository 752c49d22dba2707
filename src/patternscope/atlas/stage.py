"""Stage atlas: the store that `view` and the notebook show, and one HTML file of it."""

from pathlib import Path

from patternscope.atlas.export import TooLarge, export_single
from patternscope.atlas.page import SCRIPT, read_script
from patternscope.atlas.reading import read_content
from patternscope.atlas.store import write_store
from patternscope.errors import InputError
from patternscope.results.findings import findings_of
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

ATLAS_FILE, STORE_FOLDER, RECORD_FILE = "atlas.html", "store", "atlas.json"
_STORE_SHARE = 0.8  # of the work, for the progress bar

_NEEDS = (
    Need("images", ("samples.safetensors", "classes.json", "images.json")),
    Need("training", ("training.json",), checkpoint="all"),
    Need("features", ("sample.safetensors",), checkpoint="all"),
    Need("sample", ("sample.safetensors", "sample.json"), checkpoint="all"),
    Need("importance", ("importance.safetensors",), checkpoint="all", layer="all"),
    Need("region", ("region.safetensors", "region.json"), checkpoint="all", layer="all"),
    Need("knowledge", ("knowledge.safetensors", "knowledge.json"), checkpoint="all", layer="all"),
)
_ATTACK_NEEDS = (
    Need("attack"),
    Need("adversarial", ("adversarial.safetensors",), layer="all"),
)


def atlas_stage(settings: StudySettings) -> Stage:
    """Return the stage that makes a study's atlas, of the parts that the study has."""
    needs = _NEEDS + (_ATTACK_NEEDS if settings.attack.enabled else ())
    if settings.distillation.enabled:
        needs += tuple(Need(f"distilled/{student}") for student in settings.distillation.students)
    return Stage(
        "atlas",
        version=1,
        run=run_atlas,
        settings=("seed", "atlas", "network.architecture", "region.kappa_max", "knowledge.bootstrap"),
        needs=needs,
        external=_script_digest,
        weight=4.0,
    )


def run_atlas(ctx: UnitContext) -> None:
    """Write the store, atlas.html within its limit, and atlas.json, which says what the HTML leaves out."""
    settings: StudySettings = ctx.settings
    content = read_content(findings_of(ctx), settings)
    store = ctx.folder / STORE_FOLDER
    write_store(store, content, lambda fraction, text: ctx.report(_STORE_SHARE * fraction, text))
    ctx.report(_STORE_SHARE, ATLAS_FILE)
    try:
        exported = export_single(content, store, ctx.folder / ATLAS_FILE, settings.atlas.max_mb)
        record = {"bytes": exported.size, "left_out": list(exported.left_out), "refused": None}
    except TooLarge as error:
        # The study is whole without the one file: `view` and the notebook show it.
        record = {"bytes": None, "left_out": [], "refused": str(error)}
    write_json(ctx.folder / RECORD_FILE, record)


def store_of(study: Path) -> Path:
    """Return the store of a study's atlas; InputError when there is none."""
    store = study / "atlas" / STORE_FOLDER
    if not (store / "zarr.json").is_file():
        raise InputError(f"{study}: no atlas here; make it by `patternscope atlas {study}`")
    return store


def _script_digest(settings: StudySettings, unit: Unit) -> str:
    """The page's script is part of the HTML, so another script is another atlas."""
    read_script(SCRIPT)
    return file_digest(SCRIPT)
