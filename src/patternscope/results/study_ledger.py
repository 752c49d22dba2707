"""The ledgers of a study: over training, from layer to layer, under its attack, from teacher to students."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from operator import or_
from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_means
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.ledger import lasting_share, on_common_grid
from patternscope.knowledge.point_rule import PointRule
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.emergence import EmergenceResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, Moment, ledger_of, ledger_rows
from patternscope.results.networks import StudentAnalysisResult
from patternscope.results.study import StudyResults


@dataclass(frozen=True)
class Pace:
    """Speed and stability of a layer's learning, over the checkpoints of a study.

    Attributes:
        layer: its name. never: share of the images without evidence at any checkpoint, in [0, 1].
        first: mean over the other images of the training step at which they first do (of the checkpoint's number if
            steps are unknown); no value if no image ever does. spread: its standard deviation over these images.
        lasting: points at the last checkpoint as a share of the regions that ever were a point.
        by_steps: whether `first` is in training steps.
    """

    layer: str
    never: float
    first: Interval
    spread: float | None
    lasting: Interval
    by_steps: bool = True


@dataclass(frozen=True)
class StudyLedger:
    """All ledgers of a study; parts that it does not have are empty. Intervals are over images.

    Attributes:
        training: by layer, from each checkpoint to the next. paces: a layer each.
        depth: from each layer to the next deeper one at the last checkpoint, at corresponding regions of the finer of
            their grids: kept is passed on, learnt is new, forgotten is lost.
        attack: of each layer, from clean to attacked images, those that were attacked.
        students: by student, of each layer whose grid is the teacher's, from teacher to student.
    """

    training: dict[str, tuple[LayerLedger, ...]] = field(default_factory=dict)
    paces: tuple[Pace, ...] = ()
    depth: tuple[LayerLedger, ...] = ()
    attack: tuple[LayerLedger, ...] = ()
    students: dict[str, tuple[LayerLedger, ...]] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of a csv: of each ledger all images, then each class."""
        training = [ledger for steps in self.training.values() for ledger in steps]
        students = {f"student of {name}": ledgers for name, ledgers in self.students.items()}
        return ledger_rows({"training": training, "depth": self.depth, "attack": self.attack, **students})


def study_ledger(results: StudyResults, draws: Draws | None = None) -> StudyLedger:
    """Return the ledgers of a study.

    Cost: some draws of the images for each layer and checkpoint.
    """
    draws = draws or Draws(seed=results.seed)
    several = len(results.checkpoints(KnowledgeResult)) > 1
    return StudyLedger(
        training={layer: training_ledger(results, layer, draws) for layer in results.layers()} if several else {},
        paces=paces(results, draws) if several and results.has(EmergenceResult) else (),
        depth=depth_ledger(results, draws),
        attack=attack_ledger(results, draws) if results.has(AttackAnalysisResult) else (),
        students={name: student_ledger(results, name, draws) for name in results.students},
    )


def moment_of(results: StudyResults, layer: str, checkpoint: int | None = None, name: str | None = None) -> Moment:
    """Return a layer at a checkpoint, by default the last; named after the checkpoint unless there is a `name`."""
    known = results.knowledge(layer, checkpoint)
    numbers = results.checkpoints(EvidenceResult)
    told = checkpoint in numbers if checkpoint is not None else bool(numbers)
    bits = results.evidence(layer, checkpoint).bits if told else None
    title = name or results.training(checkpoint).title
    return Moment(title, known.mask, known.category, bits, known.stability)


def training_ledger(results: StudyResults, layer: str, draws: Draws) -> tuple[LayerLedger, ...]:
    """Return the ledger of a layer from each checkpoint to the next."""
    moments = [moment_of(results, layer, number) for number in results.checkpoints(KnowledgeResult)]
    return successive_ledgers(layer, moments, results.classes, results.images.labels, draws)


def successive_ledgers(
    layer: str, moments: Sequence[Moment], classes: Sequence[str], labels: Tensor, draws: Draws
) -> tuple[LayerLedger, ...]:
    """Return the ledger from each of some states to the next; a point at any earlier state counts as relearnt."""
    known = list(accumulate((moment.mask for moment in moments), or_))
    # A region that is a point in the previous state is kept, changed or forgotten, whether or not it was one earlier.
    return tuple(
        ledger_of(layer, before, after, classes, labels, draws, earlier)
        for (before, after), earlier in zip(pairwise(moments), known[:-1], strict=True)
    )


def paces(results: StudyResults, draws: Draws) -> tuple[Pace, ...]:
    """Return speed and stability of learning for each layer."""
    emergence, numbers = results.load(EmergenceResult), results.checkpoints(KnowledgeResult)
    steps = [checkpoint.step for checkpoint in emergence.checkpoints]
    by_steps = None not in steps
    places = torch.tensor([float(step or 0) if by_steps else place for place, step in enumerate(steps)]).double()
    found = []
    for layer in results.layers():
        first = emergence.first[layer]
        when = places[first[first >= 0]]
        mean = bootstrap_means(when[:, None], **draws.asked)[0] if len(when) else Interval(None, None, None)
        present = torch.stack([results.knowledge(layer, number).mask for number in numbers])
        spread = float(when.std()) if len(when) > 1 else None
        never = float((first < 0).double().mean())
        found.append(Pace(layer, never, mean, spread, lasting_share(present, **draws.asked), by_steps))
    return tuple(found)


def depth_ledger(results: StudyResults, draws: Draws) -> tuple[LayerLedger, ...]:
    """Return the ledger from each layer to the next deeper one, at the last checkpoint."""
    found = []
    for pair in pairwise(results.layers()):
        chosen = on_common_grid(*(results.region(layer).grid for layer in pair))
        before, after = (moment_of(results, layer, name=layer) for layer in pair)
        # A refit of one layer does not tell what another one keeps.
        ends = (replace(before, stability=None).regions(chosen[0]), after.regions(chosen[1]))
        found.append(ledger_of(" to ".join(pair), *ends, results.classes, results.images.labels, draws))
    return tuple(found)


def attack_ledger(results: StudyResults, draws: Draws) -> tuple[LayerLedger, ...]:
    """Return the ledger of each layer from clean to attacked images; the maps are the same for both."""
    attack, labels = results.load(AttackResult), results.images.labels
    rows, found = torch.nonzero(attack.attacked).flatten(), []
    for layer in results.layers(AttackAnalysisResult):
        analysed = results.load(AttackAnalysisResult, layer=layer)
        bits = _attacked_bits(results, attack, layer)
        before = Moment("clean", analysed.before_mask, analysed.before_category, None if bits is None else bits[0])
        after = Moment("attacked", analysed.after_mask, analysed.after_category, None if bits is None else bits[1])
        found.append(ledger_of(layer, before.at(rows), after.at(rows), results.classes, labels[rows], draws))
    return tuple(found)


def student_ledger(results: StudyResults, student: str, draws: Draws) -> tuple[LayerLedger, ...]:
    """Return the ledger of each layer from the teacher to a student, where both have the same grid."""
    analysis, found = results.load(StudentAnalysisResult, variant=student), []
    for compared in analysis.comparisons:
        if compared.same_grid:
            own = analysis.layers[compared.layer]
            after = Moment(f"student of {student}", own.mask, own.category, own.bits)
            before = moment_of(results, compared.layer, name="teacher")
            found.append(ledger_of(compared.layer, before, after, results.classes, results.images.labels, draws))
    return tuple(found)


def _attacked_bits(results: StudyResults, attack: AttackResult, layer: str) -> tuple[Tensor, Tensor] | None:
    """Evidence of each region for its image's true class before and after the attack (n, r)."""
    if not results.has(EvidenceResult):
        return None
    known, directions = results.knowledge(layer), results.sample().mean_directions
    rule = PointRule(known.tau, known.kappa_max, None, results.evidence(layer).temperatures)
    embedding, labels = attack.layers[layer].embedding, results.images.labels
    before, after = (rule.bits(embedding[place], directions, labels) for place in (0, -1))
    return None if before is None or after is None else (before, after)
