"""Large files that only later stages read: dropped when nothing needs them, and made again when something does."""

from collections.abc import Mapping

from patternscope.workflow.event_log import EventLog
from patternscope.workflow.manifest import Manifest
from patternscope.workflow.plan import Plan
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store


def dropped_inputs(plan: Plan, reader: Unit, manifests: Mapping[Unit, Manifest]) -> list[Unit]:
    """Return the units whose dropped files a unit reads: they must be made again before it can run."""
    found = [
        source
        for need, source in plan.needs[reader]
        if manifests[source].dropped.intersection(need.chosen(manifests[source].files, reader))
    ]
    return list(dict.fromkeys(found))


class BulkDropper:
    """Drops the bulk of a unit as soon as all its readers in the whole study are up to date.

    `plan` is that of the whole study, not of the part that is run: later units may need it.
    """

    def __init__(self, plan: Plan, store: Store, journal: EventLog) -> None:
        self.plan, self.store, self.journal = plan, store, journal
        self.readers = plan.readers

    def after(self, reader: Unit, manifests: dict[Unit, Manifest]) -> None:
        """Drop the files that `reader`, now up to date, was the last to need; `manifests` has all up-to-date units."""
        for source in dict.fromkeys(source for _, source in self.plan.needs[reader]):
            stage = self.plan.stage(source)
            if stage.bulk and all(each in manifests for each in self.readers[source]):
                self._drop(source, manifests)

    def _drop(self, unit: Unit, manifests: dict[Unit, Manifest]) -> None:
        """Drop the bulk of one unit."""
        manifest = manifests[unit]
        names = [name for name in manifest.files if self.plan.stage(unit).is_bulk(name)]
        manifests[unit] = self.store.drop(unit, manifest, names)
        freed = manifest.size - manifests[unit].size
        if freed:
            self.journal.write("dropped", unit=unit.path, bytes=freed)
