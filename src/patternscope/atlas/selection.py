"""A smaller atlas of the same study, which lists what it omits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from patternscope.atlas.contents import AtlasContent, Condition, LayerContent

# The values of a condition per image, not per step.
_OF_IMAGES = ("targets", "attacked", "success", "images")


def without_importance(content: AtlasContent) -> AtlasContent:
    """Return the atlas without importance maps and without features."""

    def bare(layer: LayerContent) -> LayerContent:
        regions = layer.regions
        return replace(layer, regions=lambda step: replace(regions(step), importance=None), features=lambda: None)

    conditions = tuple(_with_layers(condition, bare) for condition in content.conditions)
    return _omitting(content, conditions, "Importance maps and regions with similar features are omitted.")


def without_changes(content: AtlasContent) -> AtlasContent:
    """Return the atlas with the changes at the last step of an attack, without those at earlier steps."""
    conditions = tuple(
        replace(condition, perturbation=condition.perturbation and condition.perturbation.without_steps())
        for condition in content.conditions
    )
    return _omitting(content, conditions, "Pictures of the steps of the attack before its last are omitted.")


def without_perturbation(content: AtlasContent) -> AtlasContent:
    """Return the atlas without pictures of the changes by an attack."""
    conditions = tuple(replace(condition, perturbation=None) for condition in content.conditions)
    return _omitting(content, conditions, "Pictures of what the attack changed are omitted.")


def with_steps(content: AtlasContent, key: str, kept: Sequence[int]) -> AtlasContent:
    """Return the atlas with only the given steps (increasing indices) of the condition `key`."""
    chosen = np.asarray(kept)

    def thinned(layer: LayerContent) -> LayerContent:
        return replace(
            layer,
            regions=lambda step: layer.regions(int(chosen[step])),
            counts=layer.counts[chosen],
            class_counts=None if layer.class_counts is None else layer.class_counts[chosen],
            emerged=None if layer.emerged is None else layer.emerged[chosen],
            direction=None if layer.direction is None else layer.direction[chosen],
            evidence=None if layer.evidence is None else layer.evidence[chosen],
        )

    old = next(condition for condition in content.conditions if condition.key == key)
    new = replace(
        _with_layers(old, thinned),
        steps=tuple(old.steps[step] for step in kept),
        direction=old.direction[chosen],
        sample_position=old.sample_position[chosen],
        predictions=old.predictions[chosen],
        certainty=None if old.certainty is None else old.certainty[chosen],
        perturbation=old.perturbation and old.perturbation.at(chosen),
    )
    conditions = tuple(new if condition is old else condition for condition in content.conditions)
    labels = ", ".join(step.label for step in new.steps)
    return _omitting(content, conditions, f"{old.name}: {len(kept)} of {len(old.steps)} steps ({labels}).")


def with_images(content: AtlasContent, chosen: np.ndarray) -> AtlasContent:
    """Return the atlas of some of the images, at increasing indices (m,); its counts remain those of all images."""

    def fewer(layer: LayerContent) -> LayerContent:
        trajectory = None if layer.trajectory is None else layer.trajectory[chosen]
        patterns = None if layer.patterns is None else layer.patterns.rows(chosen)
        regions = layer.regions
        return replace(layer, regions=lambda step: regions(step).rows(chosen), trajectory=trajectory, patterns=patterns)

    conditions = tuple(
        replace(
            _with_layers(condition, fewer),
            sample_position=condition.sample_position[:, chosen],
            predictions=condition.predictions[:, chosen],
            certainty=None if condition.certainty is None else condition.certainty[:, chosen],
            **{name: values[chosen] for name in _OF_IMAGES if (values := getattr(condition, name)) is not None},
            perturbation=None if condition.perturbation is None else condition.perturbation.rows(chosen),
        )
        for condition in content.conditions
    )
    sentence = (
        f"The atlas draws the {len(chosen):,} of {len(content.labels):,} images that maps are fitted to, and filters "
        "select among these; counts and evidence with intervals are over all images."
    )
    return replace(
        _omitting(content, conditions, sentence),
        images=content.images[chosen],
        labels=content.labels[chosen],
        image_names=tuple(content.image_names[place] for place in chosen),
        drawn=chosen,
        all_labels=content.labels,
    )


def smaller(content: AtlasContent) -> Iterator[AtlasContent]:
    """Yield the atlas, then ever smaller ones: without some pictures and maps, then with half of the steps, and so on.

    The first and last step of each condition are kept and the others thinned out evenly; images and layers are never
    omitted.
    """
    yield content
    perturbations = [each.perturbation for each in content.conditions if each.perturbation is not None]
    if any(len(perturbation.between_steps) for perturbation in perturbations):
        content = without_changes(content)
        yield content
    if perturbations:
        content = without_perturbation(content)
        yield content
    bare = without_importance(content)
    yield bare
    longest = max(len(condition.steps) for condition in content.conditions)
    while longest > 2:
        longest = max(2, (longest + 1) // 2)
        thin = bare
        for condition in content.conditions:
            if len(condition.steps) > longest:
                thin = with_steps(thin, condition.key, evenly(len(condition.steps), longest))
        yield thin


def evenly(count: int, kept: int) -> list[int]:
    """Return `kept` of `count` indices, evenly spaced, the first and the last among them.

    >>> evenly(8, 4), evenly(5, 2)
    ([0, 2, 5, 7], [0, 4])
    """
    return np.linspace(0, count - 1, kept).round().astype(int).tolist()


def _with_layers(condition: Condition, change: Callable[[LayerContent], LayerContent]) -> Condition:
    """The condition with each of its layers changed."""
    return replace(condition, layers={name: change(layer) for name, layer in condition.layers.items()})


def _omitting(content: AtlasContent, conditions: tuple[Condition, ...], sentence: str) -> AtlasContent:
    """The atlas with other conditions and one more sentence about what is omitted."""
    return replace(content, conditions=conditions, omitted=(*content.omitted, sentence))
