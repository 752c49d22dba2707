"""Sentences on evidence: the bits of each layer, compared with what is readable and with chance."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from patternscope.knowledge.bootstrap import bootstrap_mean
from patternscope.knowledge.intervals import Interval
from patternscope.report.contents import Contents
from patternscope.report.formatting import BEYOND, clause, counted, difference_text, listed, series, verdict
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import Table
from patternscope.results.controls import Control, ControlsResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.formatting import at_checkpoint, number, percent, with_interval
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.noise import NOTHING_MEASURED, MeasuredNoise, evidence_of
from patternscope.results.study import StudyResults
from patternscope.results.summary import SummaryResult

Layers = Mapping[str, EvidenceResult]
_ALONE = "One network; another training may differ by more than these intervals."


def evidence_sentences(
    layers: Layers,
    known: Mapping[str, KnowledgeResult],
    controls: Mapping[str, ControlsResult],
    summary: SummaryResult,
    noise: MeasuredNoise = NOTHING_MEASURED,
) -> list[str]:
    """Return the report's findings on the evidence of the layers at the last checkpoint and over training."""
    sentences = [
        most_evidence(layers, noise),
        when_evidence_appears(summary),
        evidence_over_depth(layers, noise),
        without_evidence(layers),
        chance(controls),
        calibration(layers),
        shared(known),
        by_the_paper(layers, controls),
        against_decision(layers),
    ]
    return [sentence for sentence in sentences if sentence is not None]


def most_evidence(layers: Layers, noise: MeasuredNoise = NOTHING_MEASURED) -> str:
    """Return which layer has the most evidence, compared with what is readable there and with the maximum."""
    best = max(layers, key=lambda layer: layers[layer].evidence.value or 0.0)
    result = layers[best]
    if not result.beyond_noise:
        return f"No layer has evidence of the class beyond the noise, on {_images(result)} that no map was fitted to."
    readable = (
        "" if result.known_share is None else f"{percent(result.known_share)} of what a linear probe reads there, "
    )
    return (
        f"On average, a region of {best} has {with_interval(result.evidence)} bits of evidence of {_subject(result)}: "
        f"{readable}{percent((result.evidence.value or 0.0) / result.most)} of the {number(result.most)} bits that are "
        f"possible. {f'The interval is {noise.over}.' if noise.networks else _ALONE}"
    )


def when_evidence_appears(summary: SummaryResult) -> str | None:
    """Return from which checkpoint on each layer has evidence beyond the noise; None for one checkpoint."""
    if len(summary.checkpoints) < 2:
        return None
    names = {at.checkpoint: at.name for at in summary.checkpoints}
    layers = list(dict.fromkeys(row.layer for row in summary.layers))
    starts = []
    for layer in layers:
        rows = [row for row in summary.layers if row.layer == layer and row.evidence is not None]
        # From the first checkpoint after which it never returns to the noise.
        quiet = [place for place, row in enumerate(rows) if (row.evidence.low or 0.0) <= 0]  # pyright: ignore
        first = quiet[-1] + 1 if quiet else 0
        starts.append((layer, names[rows[first].checkpoint] if first < len(rows) else None))
    known = [f"{layer} from {start} on" for layer, start in starts if start is not None]
    never = [layer for layer, start in starts if start is None]
    if not known:
        return "No layer has evidence beyond the noise at the last checkpoint."
    rest = f"; {listed(never)} {'has' if len(never) == 1 else 'have'} none at the end" if never else ""
    return f"Layers have evidence beyond the noise: {listed(known)}{rest}."


def evidence_over_depth(layers: Layers, noise: MeasuredNoise = NOTHING_MEASURED) -> str | None:
    """Return how evidence changes from layer to layer, on the same images; None for one layer, or without evidence."""
    if len(layers) < 2 or not any(result.beyond_noise for result in layers.values()):
        return None
    names = list(layers)
    values = series([layers[name].evidence.value for name in names])
    steps = [(first, second, _difference(layers, first, second, noise)) for first, second in pairwise(names)]
    increases = all((step.value or 0.0) > 0 for *_, step in steps)
    noisy = [
        f"from {first} to {second}, {difference_text(step)},"
        for first, second, step in steps
        if verdict(step) != BEYOND
    ]
    verb = "increases with depth" if increases else "does not increase at every step of depth"
    rest = f"{clause('step', noisy, 'within the noise')}" if noisy else f"every step is {BEYOND}"
    return f"Evidence {verb}: {values} bits per region from {names[0]} to {names[-1]}; {rest}."


def without_evidence(layers: Layers) -> str | None:
    """Return which layers have no evidence beyond the noise; None where all have some."""
    unknown = [name for name, result in layers.items() if not result.beyond_noise]
    if not unknown or len(unknown) == len(layers):
        return None
    return f"{listed(unknown)} {'has' if len(unknown) == 1 else 'have'} no evidence beyond the noise."


def chance(controls: Mapping[str, ControlsResult]) -> str:
    """Return the chance levels of the layers, or that they were not measured."""
    if not controls:
        return "Chance levels were not measured: [controls] is off or has not run."
    origin = "at its first checkpoint" if _from_first(controls) else "with its weights reinitialised"
    permuted, untrained = (_most(_named(controls, name)) for name in ("permuted", "untrained"))
    return (
        f"Chance levels: with targets permuted over the images the layers have at most {permuted}; the features of the "
        f"network {origin} have at most {untrained}."
    )


def calibration(layers: Layers) -> str:
    """Return how well calibrated the probabilities are on unseen images."""
    worst = max(layers, key=lambda layer: layers[layer].calibration_error)
    images = _images(next(iter(layers.values())))
    return (
        f"Probabilities are calibrated on images that the map was not fitted to: the expected calibration error over "
        f"{images} is at most {number(layers[worst].calibration_error)} ({worst})."
    )


def shared(known: Mapping[str, KnowledgeResult]) -> str | None:
    """Return which share of points two maps of disjoint halves of the images have in common."""
    shares = [f"{percent(layer.shared)} in {name}" for name, layer in known.items() if layer.shared is not None]
    if not shares:
        return None
    return f"Maps fitted to disjoint parts of the images share {listed(shares)} of their knowledge points."


def by_the_paper(layers: Layers, controls: Mapping[str, ControlsResult]) -> str:
    """Return the paper's own counts, compared with chance if that was measured."""
    counts = [f"{with_interval(result.paper.total, 1)} in {name}" for name, result in layers.items()]
    chances = [f"{number(control.permuted.paper.total.value, 1)} in {name}" for name, control in controls.items()]
    beside = f"; with permuted targets {listed(chances)}" if chances else ""
    return f"By the rule of the paper this network has {listed(counts)} knowledge points per image{beside}."


def against_decision(layers: Layers) -> str | None:
    """Return that evidence refers to the network's own decision, if labels are unknown."""
    if next(iter(layers.values())).against == "labels":
        return None
    return "Labels are unknown: evidence and reliable points refer to the class that the network predicts."


def evidence_table(
    layers: Layers,
    known: Mapping[str, KnowledgeResult],
    controls: Mapping[str, ControlsResult],
    when: str | None = None,
) -> Table:
    """Return a row per layer: evidence, what is readable, points by either rule, and their chance levels.

    `when` names the checkpoint, if there are several.
    """
    columns = ["layer", "bits per region", "readable", "share", "calibration error", "points", "by the paper", "chance"]
    rows = [
        [
            name,
            with_interval(result.evidence),
            with_interval(result.readable),
            percent(result.known_share),
            number(result.calibration_error),
            with_interval(known[name].counts.total),
            with_interval(result.paper.total),
            _chance_cell(controls.get(name)),
        ]
        for name, result in layers.items()
    ]
    caption = (
        f"Evidence{at_checkpoint(when)}, and knowledge points per image by calibrated probabilities and by the rule "
        "of the paper. Chance: bits, points, and points by the paper, with permuted targets."
    )
    return Table(caption, columns, rows)


def class_table(layers: Layers) -> Table | None:
    """Return a row per class: evidence in each layer; None for a single class."""
    names = [row.name for row in next(iter(layers.values())).classes]
    if len(names) < 2:
        return None
    rows = [
        [name, *[with_interval(result.classes[place].evidence) for result in layers.values()]]
        for place, name in enumerate(names)
    ]
    return Table("Bits of evidence per region, over the images of each class.", ["class", *layers], rows)


def _difference(layers: Layers, first: str, second: str, noise: MeasuredNoise) -> Interval:
    """The second layer's evidence minus the first's, on the same images, with all measured noise."""
    start, end = (layers[name].bits.double().mean(dim=1) for name in (first, second))
    return noise.widen({"evidence": bootstrap_mean(end - start)}, (first, None), (second, None))["evidence"]


def _subject(result: EvidenceResult) -> str:
    return "the image's class" if result.against == "labels" else "the class that the network predicts"


def _images(result: EvidenceResult) -> str:
    return counted(len(result.bits), "image")


def _from_first(controls: Mapping[str, ControlsResult]) -> bool:
    return next(iter(controls.values())).untrained_from == "first checkpoint"


def _named(controls: Mapping[str, ControlsResult], name: str) -> list[Control]:
    return [getattr(control, name) for control in controls.values()]


def _most(found: Sequence[Control]) -> str:
    """The largest chance levels of some layers in words."""
    bits = max(control.evidence.value or 0.0 for control in found)
    points = max(control.counts.total.value or 0.0 for control in found)
    return f"{number(bits, 3)} bits per region and {number(points)} knowledge points per image"


def _chance_cell(control: ControlsResult | None) -> str:
    if control is None:
        return "not measured"
    by_chance = control.permuted
    return (
        f"{number(by_chance.evidence.value, 3)}; {number(by_chance.counts.total.value)}; "
        f"{number(by_chance.paper.total.value)}"
    )


def read_evidence(results: StudyResults) -> tuple[Layers, Mapping[str, ControlsResult]] | None:
    """Return evidence and chance levels of the layers at the last checkpoint; None for a study without evidence."""
    layers = {layer: evidence_of(results, layer) for layer in results.layers(EvidenceResult)}
    controls = {layer: results.load(ControlsResult, layer=layer) for layer in results.layers(ControlsResult)}
    return (layers, controls) if layers else None


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    found = read_evidence(contents.results)
    if found is None:
        return None
    layers, controls = found
    known, summary = contents.depth.layers, contents.results.load(SummaryResult)
    sentences = evidence_sentences(layers, known, controls, summary, contents.noise)
    return sentences, [evidence_table(layers, known, controls, contents.depth.when), class_table(layers)]


PART = ReportPart(
    "evidence",
    "Evidence",
    5,
    _read,
    captions={
        "evidence": "Bits of evidence per region, layer by layer over training, and on the right the readable bits.",
        "evidence_maps": "Evidence over some images; calibrated knowledge points are outlined.",
        "reliability": "How often regions of similar confidence are correct, on images that no map was fitted to.",
    },
    finding=0,
)
