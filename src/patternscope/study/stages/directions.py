"""Stage directions: the network continues from a layer from which the direction of a class was removed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.knowledge.bootstrap import bootstrap_mean
from patternscope.knowledge.direction_removal import class_directions, of_length, without_direction
from patternscope.networks import Normalised
from patternscope.networks.capture.edited import edited_logits
from patternscope.radial.units import in_usual_unit
from patternscope.results.directions import DirectionsResult, Fall
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.results.training import NETWORK_FILES
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.inputs import inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, factory_digest
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

DRAWS = 4
"""Random directions per image."""


def run_directions(ctx: UnitContext) -> None:
    """Write the probability of each image's class before and after, and its fall, with intervals."""
    settings: StudySettings = ctx.settings
    layer, inputs = ctx.unit.layer or "", inputs_of(ctx)
    samples = inputs.images
    chosen = choose_samples(samples.labels, settings.faithfulness.images_per_class, seed=ctx.stage_seed)
    labels, region, mu = samples.labels[chosen], inputs.region(layer), inputs.sample().mean_directions
    generator = torch.Generator().manual_seed(ctx.stage_seed)
    others = (labels + torch.randint(1, len(mu), labels.shape, generator=generator)) % len(mu)
    maps = judging_maps(region, chosen)
    readout, own = class_directions(maps, mu[labels])
    other = of_length(class_directions(maps, mu[others])[1], own)
    drawn = of_length(torch.randn(DRAWS, *own.shape, generator=generator, dtype=own.dtype), own)
    asked = _Network(ctx, trained_network(ctx), samples.images[chosen], labels, layer, readout)
    before, *after = [asked.probability(direction) for direction in (0 * own, own, other, *drawn)]
    result = DirectionsResult(
        samples=chosen,
        before=before,
        own=after[0],
        other=after[1],
        random=torch.stack(after[2:], dim=1),
        removed=asked.removed_share(own),
        all_images=_fall(ctx, None, torch.ones_like(labels, dtype=torch.bool), before, after),
        classes=_falls_of_classes(ctx, samples.classes, labels, before, after),
    )
    result.save(ctx.folder)


def judging_maps(region: RegionResult, rows: Tensor) -> Tensor:
    """Return for each of some images the map that judges it: (m, e, k), or (e, k) if one map has seen all."""
    return region.fold_maps[region.unseen[0][rows]] if region.seen_by == "others" else region.map


class _Network:
    """The network of a unit, tested on its images with something removed from a layer."""

    def __init__(
        self, ctx: UnitContext, model: Normalised, images: Tensor, labels: Tensor, layer: str, readout: Tensor
    ) -> None:
        self._ctx, self._model, self._images, self._labels, self._layer = ctx, model, images, labels, layer
        self._readout, self._asked = readout, 0

    def probability(self, direction: Tensor) -> Tensor:
        """Return the probability (m,) of each image's class, the part along the readout replaced by a direction's."""

        def edit(features: Tensor, rows: Tensor) -> Tensor:
            return without_direction(features, self._readout[rows], direction[rows])

        logits = edited_logits(self._model, self._images, self._layer, edit)
        self._asked += 1
        self._ctx.report(self._asked / (DRAWS + 4), f"direction {self._asked} of {DRAWS + 3}")
        if not logits.isfinite().all():
            raise InputError(f"layer {self._layer!r}: expected finite logits without a direction, got NaN or inf")
        return torch.softmax(logits.double(), dim=1).gather(1, self._labels[:, None])[:, 0].float()

    def removed_share(self, direction: Tensor) -> float:
        """Return the length of the removed part as a share of that of the features, a mean over regions."""
        shares: list[Tensor] = []

        def measure(features: Tensor, rows: Tensor) -> Tensor:
            usual, _ = in_usual_unit(features)
            removed = usual - without_direction(usual, self._readout[rows], direction[rows])
            lengths = [torch.linalg.vector_norm(part, dim=1) for part in (removed, usual)]
            # Regions without any feature have nothing to remove.
            shares.append((lengths[0] / lengths[1])[lengths[1] > 0].double().cpu())
            return features

        edited_logits(self._model, self._images, self._layer, measure)
        found = torch.cat(shares)
        return float(found.mean()) if len(found) else 0.0


def _falls_of_classes(
    ctx: UnitContext, classes: Sequence[str], labels: Tensor, before: Tensor, after: Sequence[Tensor]
) -> tuple[Fall, ...]:
    """Return the fall of each class that has images."""
    present = [place for place in range(len(classes)) if bool((labels == place).any())]
    return tuple(_fall(ctx, classes[place], labels == place, before, after) for place in present)


def _fall(ctx: UnitContext, of: str | None, rows: Tensor, before: Tensor, after: Sequence[Tensor]) -> Fall:
    """Return the falls of some images with their intervals; random directions are a mean of their draws."""
    draws = {"resamples": ctx.settings.knowledge.bootstrap, "seed": ctx.resampling_seed}
    own, other, *drawn = [(before - left)[rows] for left in after]
    random = torch.stack(drawn).mean(dim=0)
    falls = (bootstrap_mean(fall, **draws) for fall in (own, other, random, own - random))
    return Fall(of, int(rows.sum()), *falls)


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A forward pass per image and direction, and two more."""
    n = min(settings.faithfulness.images_per_class * facts.classes, facts.samples)
    batch = NUMBER * min(facts.at_once, n) * facts.activations
    return Cost(n * (DRAWS + 4) * facts.forward, NUMBER * n * (DRAWS + 5), NUMBER * n * facts.numbers + 2 * batch)


STAGES = (
    Stage(
        "directions",
        version=1,
        run=run_directions,
        settings=("seed", "faithfulness.images_per_class", "knowledge.bootstrap", *MODEL_SETTINGS),
        outside=factory_digest,
        needs=(
            reads(ImagesResult, "images", "classes"),
            Need("training", NETWORK_FILES, checkpoint="last"),
            reads(SampleResult, "mean_directions", checkpoint="last"),
            reads(RegionResult, "map", "seen_by", "unseen", checkpoint="last"),
        ),
        per=("layer",),
        weight=8.0,
        part="faithfulness",
        cost=_cost,
    ),
)
