"""Dimensions of the embeddings, for ten classes and for other numbers of classes.

python -m evidence dimensions [--studies WORD ...]

Writes into runs/evidence/dimensions: dimensions.csv and classes.csv (a row per layer and number of dimensions), a
figure, section.md.
"""

from collections.abc import Iterator, Sequence

import torch

from evidence import cross_fits, deletion
from evidence.cross_fits import judge, judged_layer, likelihood_fit, readable, sample_frame, true_class_odds, worth
from evidence.deletion import deletion_areas
from evidence.dimensions.composed import CLASSES, ComposedStudy, composed_studies
from evidence.dimensions.section import write
from evidence.measurements import Measurement, code_of
from evidence.studies import RUNS, SEEDS, EvidenceStudy, counted_studies
from evidence.tables import Row
from patternscope.embeddings import SampleEmbedding, likelihood, region, sample
from patternscope.knowledge import agreement, faithfulness
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults

DIMENSIONS = (2, 3, 5, 9, 16)


def measure_dimensions(study: EvidenceStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer and number of dimensions of ten classes."""
    return list(_rows(study, results, DIMENSIONS, with_deletion=True))


def measure_classes(study: ComposedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer and number of dimensions of other numbers of classes, the last c - 1."""
    return list(_rows(study, results, dimensions_of(study.classes), with_deletion=False))


def dimensions_of(classes: int) -> tuple[int, ...]:
    """Return the numbers of dimensions that are tried for so many classes.

    >>> dimensions_of(4), dimensions_of(50)
    ((2, 3, 5, 9), (3, 5, 9, 16, 32, 49))
    """
    if classes <= 10:
        return (2, 3, 5, 9)
    return (3, 5, 9, 16, 32, classes - 1)


def _rows(
    study: EvidenceStudy, results: StoredResults, dimensions: Sequence[int], *, with_deletion: bool
) -> Iterator[Row]:
    features = results.load(FeaturesResult)
    frames = {e: sample_frame(features, e) for e in dimensions}
    seen = {e: _seen(frame, features) for e, frame in frames.items()}
    accuracy = float((features.logits.argmax(dim=1) == results.images.labels).double().mean())
    for name in study.layers:
        layer = judged_layer(results, name, features)
        judged = {
            e: judge(likelihood_fit(layer, frame.mean_directions), layer, frame.mean_directions)
            for e, frame in frames.items()
        }
        areas: list[float | None] = [None] * len(judged)
        if with_deletion:
            odds = torch.stack([true_class_odds(found, layer.labels) for found in judged.values()])
            areas = deletion_areas(study, results, odds, layer.regional.shape[2:]).mean(dim=1).tolist()
        about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": name}
        about |= {"classes": layer.classes, "samples": len(layer.labels), "accuracy": accuracy, **readable(layer)}
        for (e, found), area in zip(judged.items(), areas, strict=True):
            yield {**about, "dimensions": e, "agreement": seen[e], **worth(found, layer), "deletion": area}


def _seen(frame: SampleEmbedding, features: FeaturesResult) -> float:
    """The share of images of which the sample embedding and the network assign the same class."""
    return agreement(frame.posterior(features.sample_features), features.logits)


_CODE = code_of(likelihood, region, sample, cross_fits, deletion, faithfulness)
MEASUREMENT = Measurement("dimensions", measure_dimensions, _CODE)
CLASSES_MEASUREMENT = Measurement("classes", measure_classes, _CODE)


def main(words: Sequence[str] = ()) -> None:
    studies, composed = counted_studies(words, seeds=SEEDS), composed_studies(words)
    rows = MEASUREMENT.of_all(studies)
    by_classes = CLASSES_MEASUREMENT.of_all(composed) if composed else {}
    write(
        RUNS / "dimensions",
        [row for study in studies for row in rows[study]],
        [row for study in composed for row in by_classes[study]],
        CLASSES,
    )
