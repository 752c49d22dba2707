"""A smaller atlas of the same study: what is left out is said, and nothing is left out by half."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from patternscope.atlas.contents import AtlasContent, Condition, LayerContent


def without_importance(content: AtlasContent) -> AtlasContent:
    """Return the atlas without importance maps."""

    def bare(layer: LayerContent) -> LayerContent:
        return replace(layer, regions=lambda step: replace(layer.regions(step), importance=None))

    conditions = tuple(
        replace(each, layers={name: bare(layer) for name, layer in each.layers.items()})
        for each in content.conditions
    )
    return _said(content, conditions, "Importance maps are left out.")


def with_steps(content: AtlasContent, key: str, kept: Sequence[int]) -> AtlasContent:
    """Return the atlas with the given steps (increasing indices) of the condition `key` alone."""
    chosen = np.asarray(kept)

    def thinned(layer: LayerContent) -> LayerContent:
        return replace(
            layer,
            regions=lambda step: layer.regions(int(chosen[step])),
            counts=layer.counts[chosen],
            class_counts=None if layer.class_counts is None else layer.class_counts[chosen],
            emerged=None if layer.emerged is None else layer.emerged[chosen],
            direction=None if layer.direction is None else layer.direction[chosen],
        )

    def shorter(condition: Condition) -> Condition:
        return replace(
            condition,
            steps=tuple(condition.steps[step] for step in kept),
            direction=condition.direction[chosen],
            sample_position=condition.sample_position[chosen],
            predictions=condition.predictions[chosen],
            layers={name: thinned(layer) for name, layer in condition.layers.items()},
        )

    old = next(each for each in content.conditions if each.key == key)
    conditions = tuple(shorter(each) if each is old else each for each in content.conditions)
    labels = ", ".join(old.steps[step].label for step in kept)
    return _said(content, conditions, f"{old.name}: {len(kept)} of {len(old.steps)} steps ({labels}).")


def smaller(content: AtlasContent) -> Iterator[AtlasContent]:
    """Yield the atlas, then ever smaller ones: without importance maps, then with half of the steps, and so on.

    First and last step of each condition stay, the rest is thinned out evenly; images and layers are never
    left out.
    """
    yield content
    bare = without_importance(content)
    yield bare
    longest = max(len(each.steps) for each in content.conditions)
    while longest > 2:
        longest = max(2, (longest + 1) // 2)
        thin = bare
        for condition in content.conditions:
            count = len(condition.steps)
            if count > longest:
                thin = with_steps(thin, condition.key, evenly(count, longest))
        yield thin


def evenly(count: int, kept: int) -> list[int]:
    """Return `kept` of `count` indices, evenly spaced, the first and the last among them.

    >>> evenly(8, 4), evenly(5, 2)
    ([0, 2, 5, 7], [0, 4])
    """
    return np.linspace(0, count - 1, kept).round().astype(int).tolist()


def _said(content: AtlasContent, conditions: tuple[Condition, ...], sentence: str) -> AtlasContent:
    """The atlas with other conditions and one more sentence about what is left out."""
    return replace(content, conditions=conditions, left_out=(*content.left_out, sentence))
