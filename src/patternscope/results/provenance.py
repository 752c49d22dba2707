"""The provenance of a study: the versions of the programs and the machines, unit by unit."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from patternscope.results.study import StoredResults, open_results, read_record
from patternscope.workflow.event_log import EventLog, unit_machines
from patternscope.workflow.programs import Machine, threads_text
from patternscope.workflow.store import Store
from patternscope.workflow.verification import checked_manifest


@dataclass(frozen=True)
class Versions:
    """The versions of the programs that made some units; empty if an earlier version of patternscope recorded none."""

    programs: Mapping[str, str]
    units: int


@dataclass(frozen=True)
class Provenance:
    """The provenance of the units of a study.

    `versions` and `machines` are sorted by the number of units, the largest first. Machines come from the study's
    journal: none in studies of earlier versions, or without a journal.
    """

    versions: tuple[Versions, ...]
    machines: tuple[Machine, ...]

    @property
    def programs(self) -> list[str]:
        """Names of the programs."""
        return list(dict.fromkeys(name for known in self.versions for name in known.programs))

    @property
    def mixed(self) -> str | None:
        """Return a sentence on the versions that a study mixes, None if one set of versions made all of it."""
        if len(self.versions) < 2:
            return None
        differing = _differing([known.programs for known in self.versions]) or self.programs
        each = [
            f"{', '.join(f'{name} {known.programs[name]}' for name in differing) if known.programs else 'not recorded'}"
            f" ({known.units} unit{'s' * (known.units > 1)})"
            for known in self.versions
        ]
        return (
            f"units of this study were computed by different versions: {'; '.join(each)}. Its numbers need not repeat "
            "exactly; run it into a new folder to have it from one version"
        )

    @property
    def machines_text(self) -> str | None:
        """Name the machines, None if they are unknown."""
        return "; ".join(str(machine) for machine in self.machines) or None


def provenance_of(folder: str | Path) -> Provenance:
    """Return the provenance of a study on disk.

    InputError if the folder is not a study, or a manifest is damaged. Cost: reads manifests and the journal.
    """
    return read_provenance(Path(folder), open_results(folder))


def read_provenance(folder: Path, results: StoredResults) -> Provenance:
    """Return the provenance of the results of a study in `folder`; as `provenance_of`."""
    manifests = [checked_manifest(Store(folder), unit) for unit in results.units]
    known = [manifest.versions for manifest in manifests]
    if not any(known):
        known = [read_record(folder).versions for _ in manifests]
    machines = unit_machines(EventLog(folder))
    made = [machines[unit.path] for unit in results.units if unit.path in machines]
    versions = Counter(tuple(sorted(programs.items())) for programs in known)
    return Provenance(
        tuple(Versions(dict(programs), units) for programs, units in versions.most_common()),
        tuple(machine for machine, _ in Counter(made).most_common()),
    )


def differences(first: Provenance, second: Provenance) -> list[str]:
    """Return in words how the provenance of two studies differs, as far as both recorded it.

    >>> one, other = (Versions({"torch": torch, "numpy": "2.4"}, 9) for torch in ("2.4.0", "2.14.1"))
    >>> differences(Provenance((one,), (Machine("a", 1),)), Provenance((other,), (Machine("a", 2),)))
    ['torch 2.4.0 against 2.14.1', '1 thread against 2 threads']
    """
    programs = [[each.programs for each in one.versions if each.programs] for one in (first, second)]
    found = []
    if all(programs):
        for name in _differing([*programs[0], *programs[1]]):
            sides = [_listed(each.get(name, "none") for each in side) for side in programs]
            found += [f"{name} {sides[0]} against {sides[1]}"] if sides[0] != sides[1] else []
    machines = [one.machines for one in (first, second)]
    if all(machines):
        processors, threads = (
            [_listed(words(machine) for machine in side) for side in machines] for words in (_processor, _threads)
        )
        found += [f"{one} against {other}" for one, other in (processors, threads) if one != other]
    return found


def _processor(machine: Machine) -> str:
    return machine.processor


def _threads(machine: Machine) -> str:
    return "no torch" if machine.threads is None else threads_text(machine.threads)


def _listed(words: Iterable[str]) -> str:
    """Each of some words once."""
    return " or ".join(sorted(set(words)))


def _differing(programs: list[Mapping[str, str]]) -> list[str]:
    """The programs with several versions."""
    names = dict.fromkeys(name for each in programs for name in each)
    known = [each for each in programs if each]
    return [name for name in names if len({each.get(name) for each in known}) > 1]
