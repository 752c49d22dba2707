"""Two finished studies of the same images side by side: counts, orientations and strengths, layer by layer."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from patternscope.atomic import replaced_folder
from patternscope.errors import InputError
from patternscope.knowledge.network_comparison import Alignment, EmbeddedLayer, align_embeddings, channel_agreement
from patternscope.knowledge.quality import agreement
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.networks import (
    COMPARISON_FILE,
    ComparedLayer,
    ComparedStudy,
    ComparisonResult,
    FrameAlignment,
    LayerComparison,
)
from patternscope.results.noise import measured_noise, sources_of, with_measured_noise
from patternscope.results.provenance import differences, read_provenance
from patternscope.results.study import StoredResults, open_results
from patternscope.settings.study import StudySettings
from patternscope.study.fitting import embed_as_judged
from patternscope.study.layer_comparison import (
    compare_layer,
    compared_layer,
    embedded_layer,
    layer_of,
    recalibrated,
    uses_first_maps,
)
from patternscope.study.run import how_to_finish, resolved_settings, saved_settings, saved_status
from patternscope.study.stages.knowledge import point_rule
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.manifest import SCHEMA_VERSION

Maps = Literal["auto", "own", "first"]


@dataclass(frozen=True)
class FinishedStudy:
    """A study whose stages are all done, at its last checkpoint."""

    folder: Path
    settings: StudySettings
    results: StoredResults

    def layer(self, name: str) -> EmbeddedLayer:
        """Return a layer in the study's own frame."""
        return layer_of(self.results.region(name), self.results.knowledge(name), self.evidence(name))

    def evidence(self, layer: str) -> EvidenceResult:
        """Return the evidence of a layer."""
        return self.results.evidence(layer)

    def features(self, layer: str) -> Tensor | None:
        """Return the regional features of a layer, None if they were not kept."""
        regional = self.results.load(FeaturesResult).regional
        return regional.read(layer) if layer in regional.layers else None


def open_finished(folder: Path) -> FinishedStudy:
    """Return a study whose stages are all done; InputError for a folder that is not a study or not finished."""
    settings, _ = saved_settings(folder)
    for status in saved_status(folder, parts=False):
        if not status.up_to_date:
            raise InputError(
                f"{folder}: expected a finished study, but {status.unit.path} is {status.state}; "
                f"{how_to_finish(folder, settings, status.unit)}"
            )
    results = open_results(folder)
    return FinishedStudy(folder, resolved_settings(settings, len(results.classes)), results)


def compare_studies(first: FinishedStudy, second: FinishedStudy, out: Path, *, maps: Maps = "auto") -> ComparisonResult:
    """Compare the last checkpoints of two studies, write the comparison into `out`, and return it.

    Layers are paired by name, else by their order from the deepest. Source: Sec. 4.

    Args:
        first, second: studies of the same images.
        out: an empty folder.
        maps: "own" embeds each network by its own maps, the second's rotated by the orthogonal map that aligns its
            sample embedding best; "first" embeds the second's features by the first's maps; "auto" does so if the
            channels of the two mean the same.

    Raises:
        InputError: different images, classes, dimensions, tau or kappa_max; no two layers with the same grid;
            maps "first" for features that were not kept.

    Cost: intervals, and for each layer a pass over the features of both if they were kept.
    """
    labels = check_same_images(first, second)
    check_settings(first.settings, second.settings)
    warn_of_other_machines(first, second)
    samples = [study.results.sample() for study in (first, second)]
    alignment = align_embeddings(samples[1].embedding, samples[0].embedding)
    pair = _Pair(first, second, alignment, samples[0].mean_directions, labels, maps)
    names = pair_layers(first.results.layers(), second.results.layers())
    compared = {layer: pair.compare(layer, second_layer) for layer, second_layer in names}
    noise = [measured_noise(study.results) for study in (first, second)]
    comparisons = tuple(with_measured_noise(comparison, *noise) for comparison, _ in compared.values())
    if not any(comparison.same_grid for comparison in comparisons):
        raise InputError(
            f"{first.folder} and {second.folder}: expected layers with a common grid, got none; set the same "
            "network.grid in both"
        )
    features = [study.results.load(FeaturesResult) for study in (first, second)]
    result = ComparisonResult(
        embedding=samples[1].embedding @ alignment.rotation,
        mean_directions=samples[1].mean_directions @ alignment.rotation,
        logits=features[1].logits,
        target_probs=features[1].target_probs,
        schema_version=SCHEMA_VERSION,
        first=_about(first),
        second=_about(second),
        images=len(labels),
        tau=float(first.settings.knowledge.tau),
        agreement=agreement(features[1].logits, features[0].logits),
        alignment=FrameAlignment(alignment.residual, alignment.mirrored),
        comparisons=comparisons,
        layers={layer: own for layer, (_, own) in compared.items()},
        noise=sources_of(*noise),
    )
    result.save(out)
    return result


def warn_of_other_machines(first: FinishedStudy, second: FinishedStudy) -> None:
    """Warn if processors, threads or programs of two studies differ, which also changes numbers."""
    found = differences(*(read_provenance(study.folder, study.results) for study in (first, second)))
    if found:
        warnings.warn(
            f"{first.folder} and {second.folder} were computed differently: {'; '.join(found)}. The intervals "
            "do not include the effect",
            stacklevel=3,
        )


def pair_layers(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return which layer of the second network goes with which of the first.

    Those of the same name; if no name is in both, in order from the deepest.

    >>> pair_layers(["a", "b"], ["b", "c"]), pair_layers(["a", "b"], ["x", "y", "z"])
    ([('b', 'b')], [('a', 'y'), ('b', 'z')])
    """
    both = [(name, name) for name in first if name in second]
    if both:
        return both
    count = min(len(first), len(second))
    return list(zip(first[-count:], second[-count:], strict=True))


@contextmanager
def comparison_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder that replaces `out` at the end; InputError if `out` is not an earlier comparison."""
    earlier = [path.name for path in out.iterdir()] if (out / COMPARISON_FILE).is_file() else []
    with plain_errors(out), replaced_folder(out, earlier, "an earlier comparison") as folder:
        yield folder


def check_same_images(first: FinishedStudy, second: FinishedStudy) -> Tensor:
    """The labels, after checking that both studies have the same images of the same classes."""
    one, other = first.results.images, second.results.images
    equal = one.images.shape == other.images.shape and torch.equal(one.images, other.images)
    if not equal or not torch.equal(one.labels, other.labels) or one.classes != other.classes:
        seen = [f"{len(images.images)} of {tuple(images.images.shape[1:])}" for images in (one, other)]
        raise InputError(
            f"{first.folder} and {second.folder}: expected the same images, got {seen[0]} and {seen[1]}; set the same "
            "[images] and seed in both"
        )
    return one.labels


def check_settings(first: StudySettings, second: StudySettings) -> None:
    """Raise if the two define a knowledge point in different ways."""
    for name, one, other in (
        ("knowledge.rule", first.knowledge.rule, second.knowledge.rule),
        ("knowledge.tau", first.knowledge.tau, second.knowledge.tau),
        ("sample.out_dim", first.sample.out_dim, second.sample.out_dim),
        ("region.kappa_max", first.region.kappa_max, second.region.kappa_max),
    ):
        if one != other:
            raise InputError(f"{name}: expected the same in both studies, got {one} and {other}")


@dataclass(frozen=True)
class _Pair:
    """Two studies while their layers are compared."""

    first: FinishedStudy
    second: FinishedStudy
    alignment: Alignment
    directions: Tensor  # of the first's sample embedding (c, e)
    labels: Tensor
    maps: Maps

    def compare(self, layer: str, second_layer: str) -> tuple[LayerComparison, ComparedLayer]:
        """The comparison of a pair of layers, and the second network's layer in the first's frame."""
        settings, one = self.first.settings, self.first.layer(layer)
        own, other = self.first.features(layer), self.second.features(second_layer)
        if self.maps == "first" and other is None:
            raise InputError(
                f"{self.second.folder}: expected regional features, but they were not kept; set keep_features = true, "
                "or use --maps own"
            )
        alike = None if own is None or other is None else channel_agreement(own, other)
        region = self.first.results.region(layer)
        fits = other is not None and other.shape[1] == region.map.shape[1]
        by_first = uses_first_maps(self.maps, alike, fits)
        told = self.first.evidence(layer) if by_first else self.second.evidence(second_layer)
        asked = settings.knowledge
        rule = point_rule(asked.rule, float(asked.tau), settings.region.kappa_max, region.mean_strength, told)
        if by_first and other is not None:
            embedding = embed_as_judged(region, other)
            rule = recalibrated(rule, region, embedding, self.directions, self.labels)
            second = embedded_layer(embedding, self.directions, self.labels, rule)
        else:
            known = self.second.layer(second_layer)
            second = replace(known, embedding=known.embedding @ self.alignment.rotation)
        comparison = compare_layer(
            (layer, second_layer),
            one,
            second,
            maps="first" if by_first else "own",
            channel_agreement=alike,
            grid=self.second.results.region(second_layer).grid,
            resamples=settings.knowledge.bootstrap,
            seed=settings.seed,
        )
        return comparison, compared_layer(second, rule.temperatures)


def _about(study: FinishedStudy) -> ComparedStudy:
    """The identity of a study."""
    trained = study.results.training()
    return ComparedStudy(
        name=study.folder.resolve().name,
        architecture=study.settings.network.architecture,
        checkpoint=trained.name,
        held_out_accuracy=trained.held_out_accuracy,
        layers=tuple(study.results.layers()),
    )
