"""Reading a study: the files of its units by stage, checkpoint and layer, for whoever shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patternscope.errors import InputError
from patternscope.results.arrays import load_arrays
from patternscope.results.json_csv import read_json
from patternscope.study.run import saved_settings
from patternscope.study.stages import study_stages
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import Unit, UnitContext


@dataclass(frozen=True)
class Findings:
    """A study as figures and the atlas see it: folders of units, read on demand, as NumPy arrays and JSON values.

    `folders` are in the order of checkpoints and layers (shallow to deep); `seed` is the study's. InputError
    when a file is missing or damaged.
    """

    folders: Mapping[Unit, Path]
    seed: int

    def checkpoints(self, stage: str) -> list[int]:
        """Return the checkpoints that `stage` has."""
        return sorted({u.checkpoint for u in self.folders if u.stage == stage and u.checkpoint is not None})

    def layers(self, stage: str) -> list[str]:
        """Return the layers that `stage` has, shallow to deep."""
        return list(dict.fromkeys(u.layer for u in self.folders if u.stage == stage and u.layer is not None))

    def arrays(
        self, stage: str, checkpoint: int | None = None, layer: str | None = None, *, file: str | None = None
    ) -> dict[str, np.ndarray]:
        """Return the arrays of `file` (default: the stage's name) at a checkpoint (default: the last)."""
        path = self._folder(stage, checkpoint, layer) / f"{file or stage}.safetensors"
        return {name: array.numpy() for name, array in load_arrays(path).items()}

    def record(
        self, stage: str, checkpoint: int | None = None, layer: str | None = None, *, file: str | None = None
    ) -> Any:
        """Return the JSON of `file` (default: the stage's name) at a checkpoint (default: the last)."""
        return read_json(self._folder(stage, checkpoint, layer) / f"{file or stage}.json")

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by label."""
        return self.record("images", file="classes")["classes"]

    def drawing_seed(self, *names: str) -> int:
        """Return the seed of a choice that a figure makes, the same in every figure that makes it."""
        return unit_seed(self.seed, "figures", *names)

    def _folder(self, stage: str, checkpoint: int | None, layer: str | None) -> Path:
        """The folder of a unit."""
        known = self.checkpoints(stage)
        unit = Unit(stage, known[-1] if checkpoint is None and known else checkpoint, layer)
        if unit not in self.folders:
            raise InputError(f"{unit.path}: not part of these findings")
        return self.folders[unit]


def findings_of(ctx: UnitContext) -> Findings:
    """Return what the context of a figure's unit has declared; needs "seed" among its settings."""
    return Findings({source.unit: source.folder for source in ctx.inputs}, ctx.settings.seed)


def open_findings(folder: str | Path) -> Findings:
    """Return the findings of a study on disk, to draw from in a notebook.

    InputError when the folder is no study.
    """
    settings, axes = saved_settings(folder)
    units = [unit for stage in study_stages(settings) for unit in stage.units(axes)]
    return Findings({unit: Path(folder) / unit.path for unit in units}, settings.seed)


def moment(trained: Mapping[str, Any]) -> str:
    """Return how a checkpoint is called in a figure, from its training.json.

    >>> moment({"step": 930, "name": "step 930"}), moment({"step": None, "name": "epoch_3"})
    ('training step 930', 'checkpoint epoch_3')
    """
    return f"checkpoint {trained['name']}" if trained["step"] is None else f"training step {trained['step']}"
