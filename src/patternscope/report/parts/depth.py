"""Sentences on the layers of the last checkpoint: which has most reliable points, and how the ratio changes."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from patternscope.report.contents import Contents, Depth, Step, differing_regions
from patternscope.report.formatting import (
    BEYOND,
    UNKNOWN,
    WITHIN,
    clause,
    compared,
    counted,
    difference_text,
    listed,
    series,
    verdict,
)
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import layer_table, step_table
from patternscope.results.evidence import EvidenceResult
from patternscope.results.formatting import (
    common_grid,
    number,
    percent,
    share_of_regions,
    threshold_text,
    with_interval,
)
from patternscope.results.knowledge import KnowledgeResult

Layers = Mapping[str, KnowledgeResult]


def depth_sentences(depth: Depth) -> list[str]:
    """Return the report's findings on the layers."""
    sentences = [
        most_reliable(depth),
        ratio_over_depth(depth.layers, depth.steps),
        shares_of_regions(depth.layers, depth.grids),
        first_layer(depth.layers),
        best_at_each_threshold(depth),
        on_object(depth),
        best_and_worst_class(depth),
    ]
    return [sentence for sentence in sentences if sentence is not None]


def most_reliable(depth: Depth) -> str:
    """Return which layer has the most reliable points, and by how much it leads."""
    best, known = depth.best
    if not known.counts.reliable.value:
        return f"No layer has a reliable knowledge point at the threshold {threshold_text(known.tau)}."
    counts = (
        f"{best} has {with_interval(known.counts.reliable)} reliable knowledge points per image, out of "
        f"{with_interval(known.counts.total)} knowledge points"
    )
    if depth.lead is None:
        return f"{counts}."
    if regions := differing_regions(depth.layers):
        # More regions have more points: counts of different grids are not compared.
        share = percent(share_of_regions(known.counts.reliable, regions[best]))
        return f"{counts}: {share} of its {regions[best]} regions, the largest share of the {len(regions)} layers."
    lead = depth.lead.difference.reliable
    return (
        f"{counts}, the most of the {counted(len(depth.layers), 'layer')}. That is {compared(lead)} than in "
        f"{depth.lead.start}, the second best; the difference is {verdict(lead)}."
    )


def shares_of_regions(layers: Layers, grids: Sequence[tuple[int, int]] = ()) -> str | None:
    """Return the share of each layer's regions that are reliable points; None if all have the same number of regions.

    With the `grids` of the layers, also the setting that gives all layers the same grid.
    """
    regions = differing_regions(layers)
    if not regions:
        return None
    shares = [
        f"{percent(share_of_regions(known.counts.reliable, regions[layer]))} of the {regions[layer]} regions of {layer}"
        for layer, known in layers.items()
    ]
    setting = common_grid(grids)
    same = "" if setting is None else f" {setting} gives all of them the same grid."
    return f"Layers differ in their number of regions: reliable points are {listed(shares)}.{same}"


def ratio_over_depth(layers: Layers, steps: Sequence[Step]) -> str | None:
    """Return whether the ratio of reliable to all points increases with depth; None for one layer or no points."""
    if len(layers) < 2 or all(known.counts.ratio.value is None for known in layers.values()):
        return None
    names = list(layers)
    ratios = series([known.counts.ratio.value for known in layers.values()])
    ratios = f"{ratios} from {names[0]} to {names[-1]}"
    known = [step for step in steps if step.difference.ratio.value is not None]
    if not known:
        return f"The ratio of reliable to all points cannot be compared between layers: {ratios}."
    values = [step.difference.ratio.value or 0.0 for step in known]
    increases, decreases = all(value > 0 for value in values), all(value < 0 for value in values)
    if increases or decreases:
        beyond = any(verdict(step.difference.ratio) == BEYOND for step in known)
        verb = ("increases" if increases else "decreases") if beyond else "does not visibly change"
        return f"The ratio of reliable to all points {verb} with depth: {ratios}; {_noise_of_steps(known)}."
    others = [
        f"from {step.start} to {step.end} it is {compared(step.difference.ratio, 'higher', 'lower')}, "
        f"{verdict(step.difference.ratio)}"
        for step, value in zip(known, values, strict=True)
        if value <= 0
    ]
    return f"The ratio of reliable to all points does not increase at every step: {ratios}; {listed(others)}."


def first_layer(layers: Layers) -> str | None:
    """Return how often the first layer's points have a wrong class; None for one layer, or without points."""
    first, known = next(iter(layers.items()))
    if len(layers) < 2 or known.counts.ratio.value is None:
        return None
    return (
        f"In {first}, the shallowest of these layers, {percent(1 - known.counts.ratio.value)} of the "
        f"{with_interval(known.counts.total)} knowledge points per image are assigned to a wrong class."
    )


def best_at_each_threshold(depth: Depth) -> str | None:
    """Return whether the layer with the most reliable points depends on the threshold; None for one layer."""
    best, known = depth.best
    if len(depth.layers) < 2 or len(known.sweep) < 2:
        return None
    leaders = []
    for place, row in enumerate(known.sweep):
        reliable = {layer: other.sweep[place].counts.reliable.value or 0.0 for layer, other in depth.layers.items()}
        if any(reliable.values()):
            leaders.append((max(reliable, key=lambda layer: (reliable[layer], layer == best)), row.tau))
    runs = [(layer, [tau for _, tau in run]) for layer, run in groupby(leaders, key=lambda leader: leader[0])]
    if not runs:
        return None
    if len(runs) == 1:
        return f"{runs[0][0]} has the most reliable points at every threshold {_span(runs[0][1])}."
    spans = [f"{layer} {_span(taus)}" for layer, taus in runs]
    return f"The layer with the most reliable points depends on the threshold: {listed(spans)}."


def on_object(depth: Depth) -> str | None:
    """Return how many of the reliable points of the best layer are on the object; None without masks."""
    best, known = depth.best
    if known.on_object is None or not known.object_area:
        return None
    return (
        f"{percent(known.on_object)} of the reliable points of {best} are on the object, which covers "
        f"{percent(known.object_area)} of the image: {number(known.on_object / known.object_area, 1)} times as many "
        "as for points at random places."
    )


def best_and_worst_class(depth: Depth) -> str | None:
    """Return the classes with the most and the fewest reliable points in the best layer; None for one class."""
    best, known = depth.best
    classes = sorted(known.classes, key=lambda row: -(row.counts.reliable.value or 0.0))
    if len(classes) < 2 or not classes[0].counts.reliable.value:
        return None
    most, fewest = classes[0], classes[-1]
    return (
        f"In {best}, the class {most.name} has the most reliable points per image, "
        f"{with_interval(most.counts.reliable)}, and the class {fewest.name} the fewest, "
        f"{with_interval(fewest.counts.reliable)}."
    )


def _noise_of_steps(steps: Sequence[Step]) -> str:
    """The steps of the ratio that may be noise."""
    clauses = []
    for noise in (WITHIN, UNKNOWN):
        ratios = [(step, step.difference.ratio) for step in steps]
        items = [
            f"from {step.start} to {step.end}, {difference_text(ratio)},"
            for step, ratio in ratios
            if verdict(ratio) == noise
        ]
        clauses += [clause("step", items, noise)] if items else []
    return "; ".join(clauses) or f"{'the step' if len(steps) == 1 else 'every step'} is {BEYOND}"


def _span(taus: Sequence[float]) -> str:
    """The range of some thresholds."""
    first, last = threshold_text(taus[0]), threshold_text(taus[-1])
    return f"from {first} to {last}" if len(taus) > 1 else f"at {first}"


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    depth, results = contents.depth, contents.results
    measured = [results.evidence(layer) for layer in results.layers(EvidenceResult)]
    if measured and not any(result.beyond_noise for result in measured):
        # Layers without evidence are not compared with one another.
        return ["No layer has evidence: if there are knowledge points, they may be due to chance."], [
            layer_table(depth)
        ]
    return depth_sentences(depth), [layer_table(depth), step_table(depth)]


PART = ReportPart(
    "depth",
    "Layers",
    10,
    _read,
    captions={
        "counts": "Knowledge points per image in each layer, and the reliable ones among them.",
        "knowledge_points": "Knowledge points of some images, one row per layer: regions assigned to the image's "
        "class and regions assigned to another.",
        "importance": "Importance weights of the regions of the same images.",
        "regional_embedding": "All regions of each layer as a density, in the colour of a class where they are points.",
        "region_paths": "Paths of some regions through the layers and, with several checkpoints, over training.",
    },
    finding=5,
)
