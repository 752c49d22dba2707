"""Data for figures of networks compared on the same images: a teacher and its students, or two studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patternscope.errors import InputError
from patternscope.figures.drawing.annotations import StudyResults
from patternscope.figures.drawing.choices import Layers, known_names
from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import number
from patternscope.results.knowledge import CountDifferences, Counts, SpreadResult
from patternscope.results.networks import (
    STUDENTS,
    ComparisonResult,
    DistillationResult,
    LayerComparison,
    StudentAnalysisResult,
)
from patternscope.results.noise import IMAGES, measured_noise, with_measured_noise
from patternscope.results.replicates import NetworksResult
from patternscope.results.result import reads

# Colours of the networks compared with the first, in order; none is a colour of classes or of counts.
COLOURS = ("#c2571a", "#6a3d9a", "#1a7f5a", "#555555")
ALL_STUDENTS = tuple(
    need
    for student in STUDENTS
    for need in (
        reads(DistillationResult, "accuracy", variant=student),
        reads(StudentAnalysisResult, "comparisons", variant=student),
    )
)
"""The results that a figure of students reads, if the study has them."""
NOISE = (reads(NetworksResult, "spread", checkpoint="last", layer="all"), reads(SpreadResult, layer="all"))
"""The results on noise that it reads, if they exist."""


@dataclass(frozen=True)
class NetworkCounts:
    """The evidence of a network in a layer, its difference from the first network's, and whose maps embed it.

    The first network has only its own maps and no difference, and so has one whose grid differs. `layer` is the first
    network's name of the layer, `own_layer` this network's. `evidence` and `bits`, its difference, are None if not
    measured.
    """

    layer: str
    network: str
    counts: Counts
    difference: CountDifferences | None
    maps: str
    evidence: Interval | None
    bits: Interval | None
    own_layer: str


@dataclass(frozen=True)
class ComparedNetworks:
    """A first network and those compared with it, layer by layer.

    `others` maps a network's name to its comparisons, shallow to deep; `accuracy` has the share of held-out images
    that each network classifies correctly; `noise` is what the intervals of differences include, in words.
    """

    first: str
    others: Mapping[str, Sequence[LayerComparison]]
    accuracy: Mapping[str, float | None]
    images: int
    tau: float
    noise: tuple[str, ...] = (IMAGES,)

    @property
    def layers(self) -> list[str]:
        """Names of the first network's layers."""
        return [comparison.layer for comparison in next(iter(self.others.values()))]

    @property
    def networks(self) -> str:
        """The networks' names and their accuracy."""
        names = (self.first, *self.others)
        return "held-out accuracy: " + ", ".join(f"{name} {number(self.accuracy[name], 3)}" for name in names)

    def maps(self, comparison: LayerComparison) -> str:
        """Return whose maps embed a layer."""
        return "own maps" if comparison.maps == "own" else f"{self.first}'s maps"

    def at(self, layer: str) -> dict[str, LayerComparison]:
        """Return each network's comparison with the first in a layer."""
        place = self.layers.index(layer)
        return {name: comparisons[place] for name, comparisons in self.others.items()}

    def counts(self, layer: str) -> list[NetworkCounts]:
        """Return counts and evidence of all networks in a layer, those of the first network first."""
        compared = self.at(layer)
        first = next(iter(compared.values()))
        own_bits = first.evidence and first.evidence.first
        rows = [NetworkCounts(layer, self.first, first.first.counts, None, "", own_bits, None, layer)]
        for name, own in compared.items():
            told = (None, None) if own.evidence is None else (own.evidence.second, own.evidence.difference)
            counts = own.second.counts
            rows.append(NetworkCounts(layer, name, counts, own.difference, self.maps(own), *told, own.second_layer))
        return rows


def students_of(results: StudyResults, layers: Layers = None) -> ComparedNetworks:
    """Return a study's teacher and students; InputError if it has none."""
    if not results.students:
        raise InputError("students: expected a study with distilled networks, got one without")
    analyses = {name: results.load(StudentAnalysisResult, variant=name) for name in results.students}
    trained = {name: results.load(DistillationResult, variant=name) for name in results.students}
    first, noise = next(iter(analyses.values())), measured_noise(results)
    names = known_names("layers", layers, [comparison.layer for comparison in first.comparisons])
    return ComparedNetworks(
        "teacher",
        {
            name: [with_measured_noise(c, noise) for c in own.comparisons if c.layer in names]
            for name, own in analyses.items()
        },
        {
            "teacher": next(iter(trained.values())).teacher_accuracy,
            **{name: own.accuracy for name, own in trained.items()},
        },
        first.images,
        first.tau,
        noise.sources,
    )


def studies_of(comparison: ComparisonResult) -> ComparedNetworks:
    """Return the two studies of a comparison."""
    studies = (comparison.first, comparison.second)
    names = [study.name for study in studies]
    if names[0] == names[1]:
        names = ["first", "second"]
    accuracy = {name: study.held_out_accuracy for name, study in zip(names, studies, strict=True)}
    compared = {names[1]: comparison.comparisons}
    noise = comparison.noise or (IMAGES,)
    return ComparedNetworks(names[0], compared, accuracy, comparison.images, comparison.tau, noise)


def about(shown: ComparedNetworks) -> dict[str, Any]:
    """Return the settings of a figure about the compared networks."""
    return {"networks": [shown.first, *shown.others], "layers": shown.layers, "tau": shown.tau}
