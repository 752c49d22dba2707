"""Which units a study has, in which order they can run, and the key of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from patternscope.errors import InputError, nearest
from patternscope.workflow.cache_keys import canonical_json, chosen_settings, only_chosen, text_digest
from patternscope.workflow.manifest import Manifest
from patternscope.workflow.stages import Axes, InputUnit, Need, Stage, Unit
from patternscope.workflow.store import Store


@dataclass(frozen=True)
class Plan:
    """The units of a study, each after all that it reads, and what each reads.

    `settings` are the settings as written, which enter the keys; `resolved` are passed to stages: the same with every
    "auto" replaced by its value.
    """

    settings: BaseModel
    resolved: BaseModel
    axes: Axes
    stages: dict[str, Stage]
    needs: dict[Unit, tuple[tuple[Need, Unit], ...]]

    @property
    def units(self) -> list[Unit]:
        """All units, each after all that it reads."""
        return list(self.needs)

    @property
    def readers(self) -> dict[Unit, list[Unit]]:
        """The units that read each unit."""
        found: dict[Unit, list[Unit]] = {unit: [] for unit in self.needs}
        for reader, needs in self.needs.items():
            for source in dict.fromkeys(source for _, source in needs):
                found[source].append(reader)
        return found

    @cached_property
    def stage_settings(self) -> Mapping[str, dict[str, Any]]:
        """The settings that each stage depends on, as in its units' keys; read once for thousands of units."""
        return {name: chosen_settings(self.settings, stage.settings) for name, stage in self.stages.items()}

    def stage(self, unit: Unit) -> Stage:
        """Return the stage of a unit."""
        return self.stages[unit.stage]


def make_plan(settings: BaseModel, stages: Sequence[Stage], axes: Axes, resolved: BaseModel | None = None) -> Plan:
    """Return the units of `stages` (each stage after those it reads) and what each unit reads.

    KeyError if a stage reads one that does not come before it.
    """
    by_name: dict[str, Stage] = {}
    units: dict[Unit, Unit] = {}  # each unit once, with its cached path
    needs: dict[Unit, tuple[tuple[Need, Unit], ...]] = {}
    for stage in stages:
        for need in stage.needs:
            if need.stage not in by_name and need.stage != stage.name:
                raise KeyError(f"stage {stage.name} reads {need.stage}, which does not come before it")
        by_name[stage.name] = stage
        for unit in stage.units(axes):
            units[unit] = unit
            needed = (
                (need, source) for need in stage.needs for source in _needed(by_name[need.stage], need, unit, axes)
            )
            needs[unit] = tuple((need, units.setdefault(source, source)) for need, source in needed)
    return Plan(settings, settings if resolved is None else resolved, axes, by_name, needs)


def _needed(source: Stage, need: Need, reader: Unit, axes: Axes) -> list[Unit]:
    """Units of `source` that `reader` reads through `need`."""
    last = axes.checkpoints - 1
    now = last if reader.checkpoint is None else reader.checkpoint
    reach = {
        "same": range(now, now + 1),
        "before": range(max(0, now - need.back), now),
        "last": range(last, last + 1),
        "all": range(axes.checkpoints),
    }[need.checkpoint]
    only = need.layer == "same" and reader.layer is not None
    checkpoints = reach if "checkpoint" in source.per else [None]
    layers = ([reader.layer] if only else axes.layers) if "layer" in source.per else [None]
    return [Unit(source.name, checkpoint, layer) for checkpoint in checkpoints for layer in layers]


def until_stage(plan: Plan, name: str | None) -> Plan:
    """Return the part of the plan that ends with `name`, a stage or a folder of stages such as "figures".

    None keeps all; InputError for a stage that does not exist.
    """
    if name is None:
        return plan
    names = set(plan.stages) | {stage.split("/")[0] for stage in plan.stages}
    if name not in names:
        raise InputError(f"until: expected the name of a stage, got {name!r}; {nearest(name, sorted(names))}")
    kept: set[Unit] = set()
    for unit in reversed(plan.units):
        if unit in kept or in_part(unit, name):
            kept.add(unit)
            kept.update(source for _, source in plan.needs[unit])
    return replace(plan, needs={unit: need for unit, need in plan.needs.items() if unit in kept})


def in_part(unit: Unit, name: str) -> bool:
    """Tell whether a unit is of a stage, or of a folder of stages.

    >>> in_part(Unit("figures/counts"), "figures"), in_part(Unit("region", 0), "reg")
    (True, False)
    """
    return unit.stage == name or unit.stage.startswith(f"{name}/")


def unit_key(plan: Plan, unit: Unit, manifests: Mapping[Unit, Manifest]) -> str:
    """Return the key of a unit whose inputs are all ready: equal keys, equal bytes.

    key = SHA-256 of stage, its version, the unit, the settings it depends on, the digest of its files outside the
    study, and names and digests of the input files it declares. InputError if a file outside does not exist.
    """
    stage = plan.stage(unit)
    inputs = [
        [source.path, name, manifests[source].files[name][1]]
        for need, source in plan.needs[unit]
        for name in need.chosen(manifests[source].files, unit)
    ]
    content = {
        "stage": stage.name,
        "version": stage.version,
        "unit": unit.path,
        "settings": plan.stage_settings[stage.name],
        "external": _external(plan, unit),
        "inputs": sorted(inputs),
    }
    return text_digest(canonical_json(content))


def _external(plan: Plan, unit: Unit) -> str | None:
    """The digest of the files outside the study; a missing one is an InputError."""
    stage = plan.stage(unit)
    if stage.external is None:
        return None
    try:
        return stage.external(only_chosen(plan.settings, stage.settings), unit)
    except (OSError, IndexError) as error:
        raise InputError(f"{unit.path}: a file that it is made from no longer exists ({error})") from error


def reads_outside(plan: Plan, unit: Unit) -> bool:
    """Tell whether a unit reads files outside the study: the user's images, weights or code."""
    stage = plan.stage(unit)
    own = stage.outside is not None and stage.outside(only_chosen(plan.settings, stage.settings), unit)
    return bool(own or _external(plan, unit))


def unit_inputs(plan: Plan, unit: Unit, manifests: Mapping[Unit, Manifest], store: Store) -> tuple[InputUnit, ...]:
    """Return the folders and declared files that a unit reads, in the order of its needs."""
    files: dict[Unit, set[str]] = {}
    for need, source in plan.needs[unit]:
        files.setdefault(source, set()).update(need.chosen(manifests[source].files, unit))
    order = {each: place for place, each in enumerate(plan.needs)}
    found = sorted(files, key=lambda source: order[source])
    return tuple(InputUnit(source, store.unit_folder(source), tuple(sorted(files[source]))) for source in found)
