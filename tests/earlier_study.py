"""A study as versions without evidence wrote it: what is new is taken out of one that was made now."""

import shutil
from pathlib import Path

import study_record
import torch

from patternscope.results.features import FeaturesResult
from patternscope.results.json_csv import read_json, write_json
from patternscope.results.study import open_results
from patternscope.tensor_files import read_tensors, write_tensors
from patternscope.workflow.manifest import MANIFEST_FILE, seal

NEW_SECTIONS = ("controls", "replicates")
NEW_SETTINGS = {
    "images": ("resize", "white"),
    "region": ("objective", "sharpening", "folds", "splits"),
    "knowledge": ("rule",),
    "training": ("placement",),
}


def _without(path: Path, *starts: str) -> None:
    """Take entries whose names begin so out of a record, or out of each row of its lists."""

    def kept(value):
        if isinstance(value, list):
            return [kept(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {name: kept(each) for name, each in value.items() if not name.startswith(starts)}

    write_json(path, kept(read_json(path)))


def make_earlier(study: Path, folder: Path) -> Path:
    """Copy a study of squares into `folder` as an earlier version would have written it."""
    shutil.copytree(study, folder, ignore=shutil.ignore_patterns("evidence", "controls", "folds.safetensors"))
    results = open_results(folder)
    for unit in [each for each in results.units if each.stage in ("region", "knowledge")]:
        place = folder / unit.path
        file = place / f"{unit.stage}.safetensors"
        arrays = read_tensors(file)
        if unit.stage == "region":
            regional = results.load(FeaturesResult, unit.checkpoint).regional.read(unit.layer).flatten(2)
            scale = read_json(place / "region.json")["scale"]
            arrays["embedding"] = torch.einsum("nkr,ek->nre", regional, arrays["map"]) / scale
            write_json(place / "strength.json", {"mean_strength": float(arrays["embedding"].norm(dim=-1).mean())})
            _without(place / "region.json", "seen_by")
        else:
            arrays.pop("stability")
            _without(place / "knowledge.json", "rule", "shared")
        write_tensors(arrays, file)
    _without(folder / "summary/summary.json", "rule", "shared", "evidence", "readable", "calibration_error", "paper")
    record = study_record.read(folder)
    for section in NEW_SECTIONS:
        record["settings"].pop(section, None)
    for section, names in NEW_SETTINGS.items():
        for name in names:
            record["settings"][section].pop(name)
    record["settings"]["sample"]["out_dim"] = 3
    study_record.write(folder, record)
    for unit in results.units:
        (folder / unit.path / MANIFEST_FILE).unlink()
        seal(folder / unit.path, unit, "of another version")
    return folder
