"""Early warnings from readings of evidence during training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patternscope.callback.readings import Reading
from patternscope.knowledge.bootstrap import bootstrap_mean
from patternscope.knowledge.intervals import Interval, above_zero
from patternscope.knowledge.region_evidence import Evidence
from patternscope.results.formatting import number, with_interval

Sign = Literal["no_gain", "deep_loss", "overfitting"]
# A smaller loss is within the usual noise between readings.
_LARGE_LOSS, _LARGE_LOSS_BITS = 0.1, 0.05


@dataclass(frozen=True)
class EarlyWarning:
    """One sentence, with the kind of sign and the layer that it is about; None for all layers."""

    sign: Sign
    layer: str | None
    sentence: str


def early_warnings(readings: Sequence[Reading], *, patience: int = 5) -> tuple[EarlyWarning, ...]:
    """Return the warnings at the last reading.

    - *no_gain*: `patience` readings after the first, no layer has more evidence than at the first one.
    - *overfitting*: a layer has lost evidence while training accuracy rose.
    - *deep_loss*: a layer of the deeper half has lost evidence, and training accuracy is unknown or did not rise.

    Gains and losses are measured on the same images, and count if their interval over images excludes zero. A loss is
    at least a tenth of the layer's largest evidence and 0.05 bits, in two consecutive readings. The signs are of one
    training: the intervals include the noise of the images, not that of another training.

    Args:
        readings: of one training, in the order of their steps, with the same layers, shallow to deep.
        patience: readings after the first before no_gain is raised.

    Cost: two bootstraps of n images per layer.

    >>> import torch
    >>> def reading(step, bits):
    ...     return Reading(step, {"conv": Evidence(bits, None, None, torch.full((4, 1), bits), 0.0)}, 0.5)
    >>> [found.sign for found in early_warnings([reading(step, 0.0) for step in range(3)], patience=2)]
    ['no_gain']
    >>> [found.sign for found in early_warnings([reading(0, 0.0), reading(1, 1.0), reading(2, 0.5), reading(3, 0.4)])]
    ['deep_loss']
    """
    if not readings:
        return ()
    layers = list(readings[-1].evidence)
    deep = set(layers[len(layers) // 2 :])
    found = [_no_gain(readings)] if len(readings) > max(1, patience) else []
    found += [_loss(readings, layer, deep=layer in deep) for layer in layers]
    return tuple(warning for warning in found if warning is not None)


def _change(before: Evidence, after: Evidence) -> Interval:
    """Return the growth of evidence in bits per region, with an interval over the same images."""
    return bootstrap_mean((after.per_region - before.per_region).mean(dim=1))


def _no_gain(readings: Sequence[Reading]) -> EarlyWarning | None:
    """Return a warning if no layer has more evidence than at the first reading, beyond the noise."""
    first, last = readings[0], readings[-1]
    gains = {layer: _change(first.evidence[layer], last.evidence[layer]) for layer in last.evidence}
    if any(above_zero(gain) for gain in gains.values()):
        return None
    layer, gain = max(gains.items(), key=lambda item: item[1].value or 0.0)
    return EarlyWarning(
        "no_gain",
        None,
        f"Step {last.step}: no layer has gained evidence since step {first.step} (most: {layer}, "
        f"{with_interval(gain)} bits per region). Check the learning rate, and that labels belong to their images.",
    )


def _loss(readings: Sequence[Reading], layer: str, *, deep: bool) -> EarlyWarning | None:
    """Return a warning if a layer has lost evidence and is deep, or training accuracy rose meanwhile."""
    best = _lost_since(readings, layer)
    if best is None:
        return None
    last = readings[-1]
    bits = f"{number(best.evidence[layer].bits)} bits per region at step {best.step}"
    before, now = best.train_accuracy, last.train_accuracy
    if before is not None and now is not None and now > before:
        sentence = (
            f"Step {last.step}: evidence of {layer} on unseen images fell from {bits} to "
            f"{number(last.evidence[layer].bits)}, while training accuracy rose from {number(before)} to "
            f"{number(now)}. The network may be overfitting."
        )
        return EarlyWarning("overfitting", layer, sentence)
    if not deep:
        return None
    sentence = (
        f"Step {last.step}: {layer}, a deep layer, lost evidence: {number(last.evidence[layer].bits)}, from {bits}."
    )
    return EarlyWarning("deep_loss", layer, sentence)


def _lost_since(readings: Sequence[Reading], layer: str) -> Reading | None:
    """Return the reading of a layer's largest evidence if the last two are below it beyond the noise."""
    if len(readings) < 3:
        return None
    *earlier, before_last, last = readings
    best = max(earlier, key=lambda reading: reading.evidence[layer].bits)
    if not above_zero(best.evidence[layer].interval):
        return None
    least = max(_LARGE_LOSS * best.evidence[layer].bits, _LARGE_LOSS_BITS)
    for reading in (before_last, last):
        small = best.evidence[layer].bits - reading.evidence[layer].bits < least
        if small or not above_zero(_change(reading.evidence[layer], best.evidence[layer])):
            return None
    return best
