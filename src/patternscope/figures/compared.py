"""What figures show of networks compared on the same images: a teacher and its students, or two studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patternscope.figures.findings import Findings
from patternscope.workflow.stages import Need

FILES = ("distilled.json",)
STUDENTS = ("logits", "features")
# Neither of the classes' nor of the counts' colours, in the order of the networks compared with the first.
COLOURS = ("#c2571a", "#6a3d9a", "#1a7f5a", "#555555")


@dataclass(frozen=True)
class Compared:
    """A first network and those compared with it, layer by layer.

    `others` maps a network's name to its record a layer, as `layer_record` writes it, shallow to deep;
    `accuracy` has what is known of each network's share of held-out images that are right.
    """

    first: str
    others: Mapping[str, Sequence[Mapping[str, Any]]]
    accuracy: Mapping[str, float]
    images: int
    tau: float

    @property
    def layers(self) -> list[str]:
        """Names of the first network's layers."""
        return [row["layer"] for row in next(iter(self.others.values()))]

    def maps(self, row: Mapping[str, Any]) -> str:
        """Return through whose maps a layer was seen, in words."""
        return "own maps" if row["maps"] == "own" else f"{self.first}'s maps"

    @property
    def networks(self) -> str:
        """The networks' names, with their accuracy where that is known."""
        names = (self.first, *self.others)
        if not self.accuracy:
            return ", ".join(names)
        return "held-out accuracy: " + ", ".join(f"{name} {self.accuracy[name]:.3f}" for name in names)


def student_names(findings: Findings) -> list[str]:
    """Return what the students of a study learnt from; none where it has no students."""
    present = {unit.stage for unit in findings.folders}
    return [name for name in STUDENTS if f"distilled/{name}" in present]


def students_of(findings: Findings) -> Compared:
    """Return a study's teacher and students, of which there is at least one."""
    names = student_names(findings)
    records = {name: findings.record(f"distilled/{name}", file="distilled") for name in names}
    trained = {name: findings.record(f"distillation/{name}", file="distillation") for name in names}
    one = records[names[0]]
    return Compared(
        "teacher",
        {name: record["layers"] for name, record in records.items()},
        {
            "teacher": trained[names[0]]["teacher_accuracy"],
            **{name: record["accuracy"] for name, record in trained.items()},
        },
        one["images"],
        one["tau"],
    )


def studies_of(record: Mapping[str, Any]) -> Compared:
    """Return the two studies of a comparison, from its compare.json."""
    names = [record[end]["name"] for end in ("first", "second")]
    if names[0] == names[1]:
        names = ["first", "second"]
    accuracy = {
        name: record[end]["held_out_accuracy"] for name, end in zip(names, ("first", "second"), strict=True)
    }
    return Compared(names[0], {names[1]: record["layers"]}, accuracy, record["images"], record["tau"])


def about(shown: Compared) -> dict[str, Any]:
    """What the settings of a figure say of the networks it compares."""
    return {"networks": [shown.first, *shown.others], "layers": shown.layers, "tau": shown.tau}


def student_needs(students: Sequence[str]) -> tuple[Need, ...]:
    """Return what a figure of these students reads."""
    trained = [Need(f"distillation/{name}", ("distillation.json",)) for name in students]
    return (*trained, *[Need(f"distilled/{name}", FILES) for name in students])
