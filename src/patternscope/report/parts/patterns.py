"""Sentences on the patterns of classes: how many, when they appear, which classes share them."""

from collections.abc import Mapping
from statistics import median

from patternscope.report.contents import Contents
from patternscope.report.formatting import counted, listed
from patternscope.report.part import ReportPart, Said
from patternscope.report.pattern_tests import pattern_test_sentences, pattern_test_table
from patternscope.report.tables import Table
from patternscope.results.formatting import number, percent, with_interval
from patternscope.results.pattern_tests import pattern_tests_of
from patternscope.results.patterns import LayerPattern, PatternsResult

Layers = Mapping[str, PatternsResult]


def pattern_sentences(layers: Layers, classes: int) -> list[str]:
    """Return the report's findings on the patterns of some layers, shallow to deep."""
    named = [(layer, pattern) for layer, found in layers.items() for pattern in found.patterns]
    if not named:
        return [f"No class has a pattern in {listed(list(layers))}: too few of its regions are reliable.", how_found()]
    last = [layer for layer, found in layers.items() if found.patterns][-1]
    unknown = [(layer, name) for layer, found in layers.items() for name in found.unknown_names]
    return [
        how_many(last, layers[last].patterns, classes),
        *([when_they_appear(last, layers[last].patterns)] if len(layers[last].checkpoints) > 1 else []),
        what_is_shared(named),
        how_found(),
        *[f"No pattern of {layer} has the region that was named {name!r}." for layer, name in unknown],
    ]


def how_many(layer: str, patterns: tuple[LayerPattern, ...], classes: int) -> str:
    """Return how many patterns the classes have in a layer, and which has most of its class's evidence."""
    counts = _counts_by_class(patterns)
    largest = max(patterns, key=lambda pattern: pattern.share.value or 0.0)
    least, most = min(counts.values()), max(counts.values())
    each = f"{most} each" if least == most else f"{least} to {most} each"
    return (
        f"In {layer}, {len(counts)} of {counted(classes, 'class', 'classes')} have "
        f"{counted(len(patterns), 'pattern')}, {each}; the one with most of its class's reliable "
        f"evidence is {largest.title}, a share of {with_interval(largest.share)}."
    )


def when_they_appear(layer: str, patterns: tuple[LayerPattern, ...]) -> str:
    """Return when the patterns of a layer appear during training, the first and the last of them named."""
    known = sorted(
        ((pattern.appears, pattern.title) for pattern in patterns if pattern.appears is not None),
        key=lambda pair: pair[0].checkpoint,
    )
    first, last = known[0], known[-1]
    if first[0].checkpoint == last[0].checkpoint:
        return f"All patterns of {layer} appear at {first[0].name}: at least half of their regions are reliable."
    return (
        f"The patterns of {layer} appear, with at least half of their regions reliable, between {first[0].name} "
        f"({first[1]}) and {last[0].name} ({last[1]})."
    )


def what_is_shared(named: list[tuple[str, LayerPattern]]) -> str:
    """Return how many patterns other classes have as well, and the most shared one."""
    shared = [(layer, pattern, pattern.shared[0]) for layer, pattern in named if pattern.shared]
    if not shared:
        return "No pattern is shared by another class."
    layer, pattern, other = max(shared, key=lambda each: each[2].share.value or 0.0)
    return (
        f"{len(shared)} of {counted(len(named), 'pattern')} of all layers are shared: another class has at least 5 % "
        f"of its reliable regions like them. The most shared is {pattern.title} in {layer}: a share of "
        f"{with_interval(other.share)} of the reliable regions of {other.name} is like it, and "
        f"{number(pattern.background)} of the regions of other classes that are not reliable."
    )


def how_found() -> str:
    """Return what a pattern is."""
    return (
        "A pattern is a cluster of the reliable calibrated regions of a class by the directions of their features; "
        "their number is the largest on which halves of the images agree, and each is more specific to its class, on "
        "unseen images, than any region. Names are given by the setting patterns.names."
    )


def pattern_table(layers: Layers) -> Table:
    """Return a row per layer."""
    caption = (
        "Patterns by layer, medians over them. Stability: Jaccard index with clusters of other halves of the images; "
        "chance: of regions drawn at random. Specific: of regions like a pattern in unseen images, the share in images "
        "of its class; prior: of any region. Receptive field: the pixels that contain 90 % of the gradient."
    )
    columns = ["layer", "patterns", "classes", "stability", "chance", "specific", "prior", "shared", "receptive field"]
    return Table(caption, columns, [_row(layer, found) for layer, found in layers.items()])


def _row(layer: str, found: PatternsResult) -> list[str]:
    patterns = found.patterns
    several = [pattern for pattern in patterns if pattern.within is not None]
    field = "–" if found.field is None else " x ".join(f"{side:.0f}" for side in found.field)
    return [
        layer,
        str(len(patterns)),
        str(len(_counts_by_class(patterns))),
        number(_median([pattern.stability for pattern in several])),
        number(_median([pattern.chance for pattern in several])),
        number(_median([pattern.specific.value for pattern in patterns])),
        percent(_median([pattern.prior for pattern in patterns])),
        str(sum(bool(pattern.shared) for pattern in patterns)),
        field,
    ]


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _counts_by_class(patterns: tuple[LayerPattern, ...]) -> dict[str, int]:
    """How many patterns each class has; classes without patterns are omitted."""
    names = [pattern.class_name for pattern in patterns]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    results = contents.results
    layers = {layer: results.load(PatternsResult, layer=layer) for layer in results.layers(PatternsResult)}
    if not layers:
        return None
    tests = pattern_tests_of(results, layers)
    titles = {layer: [pattern.title for pattern in found.patterns] for layer, found in layers.items()}
    sentences = [*pattern_sentences(layers, len(contents.images.classes)), *pattern_test_sentences(tests, titles)]
    return sentences, [pattern_table(layers), *([pattern_test_table(tests)] if tests else [])]


PART = ReportPart(
    "patterns",
    "Patterns",
    25,
    _read,
    captions={"patterns": "The patterns of the class with the most patterns, over layers and training."},
    finding=6,
)
