"""Stage faithfulness: the network's output as a layer's regions are removed, in several orders of importance."""

from collections.abc import Callable

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.knowledge.bootstrap import bootstrap_mean
from patternscope.knowledge.faithfulness import blurred, curve_area, deletion_curve, removal_order, removal_shares
from patternscope.knowledge.points import class_log_odds
from patternscope.knowledge.quality import object_cover
from patternscope.networks import Normalised, grad_cam, images_at_once, record
from patternscope.results.faithfulness import ORDERS, FaithfulnessResult, RemovalOrder
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.results.training import NETWORK_FILES
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, TRAIN_PASSES, Cost, Facts
from patternscope.study.inputs import inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, factory_digest, recording_options
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext


def run_faithfulness(ctx: UnitContext) -> None:
    """Write the deletion curve of each image and order, their areas with intervals, and paired differences."""
    settings: StudySettings = ctx.settings
    asked, inputs = settings.faithfulness, inputs_of(ctx)
    samples = inputs.images
    chosen = choose_samples(samples.labels, asked.images_per_class, seed=ctx.stage_seed)
    images, labels = samples.images[chosen].float() / 255, samples.labels[chosen]
    model, grid = trained_network(ctx), inputs.region(ctx.unit.layer or "").grid
    accounts, omitted = _accounts(ctx, model, inputs, chosen)
    steps = min(asked.steps, grid[0] * grid[1])
    curves = deletion_curve(
        _probabilities(ctx, model, len(chosen) * (2 + len(accounts) * (steps - 1))),
        images,
        labels,
        torch.stack([removal_order(account) for account in accounts.values()]),
        grid,
        replacement=blurred(images) if asked.replacement == "blur" else None,
        steps=asked.steps,
        at_once=images_at_once(images),
    )
    by_order = dict(zip(accounts, curves, strict=True))
    shares = removal_shares(grid[0] * grid[1], asked.steps)
    FaithfulnessResult(
        samples=chosen,
        curves=by_order,
        images=len(chosen),
        replacement=asked.replacement,
        omitted=omitted,
        shares=shares.tolist(),
        orders=_measured(ctx, by_order, shares),
    ).save(ctx.folder)


def _probabilities(ctx: UnitContext, model: Normalised, expected: int) -> Callable[[Tensor], Tensor]:
    """The network's class probabilities of images, with a report of progress."""
    options, seen = recording_options(ctx.settings.network), 0

    def probabilities(images: Tensor) -> Tensor:
        nonlocal seen
        seen += len(images)
        ctx.report(seen / expected, f"image {seen} of {expected}")
        return torch.softmax(record(model, images, (), **options).logits, dim=1)

    return probabilities


def _accounts(
    ctx: UnitContext, model: Normalised, inputs: StudyResults, chosen: Tensor
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The importance of each region (m, r) by each measure, p first; and why the layer lacks a measure."""
    layer, samples = ctx.unit.layer or "", inputs.images
    region, labels = inputs.region(layer), samples.labels[chosen]
    # The order needs no temperature; strengths are unscaled if maps have not seen the image.
    unit = 1.0 if region.seen_by == "others" else region.mean_strength or 1.0
    embedding = region.embedding[chosen]
    directions, kappa_max = inputs.sample().mean_directions, ctx.settings.region.kappa_max
    accounts = {
        "p": class_log_odds(embedding / unit, directions, labels, kappa_max),
        "strength": torch.linalg.vector_norm(embedding, dim=-1),
        "w": inputs.importance(layer).region_weights[chosen],
    }
    omitted = {}
    try:
        accounts["grad_cam"] = grad_cam(model, samples.images[chosen], labels, [layer], region.grid)[layer]
    except InputError as error:
        omitted["grad_cam"] = str(error)
    generator = torch.Generator().manual_seed(ctx.stage_seed)
    accounts["random"] = torch.rand(embedding.shape[:2], generator=generator)
    if samples.masks is not None:
        accounts["mask"] = object_cover(samples.masks[chosen], region.grid)
    return accounts, omitted


def _measured(ctx: UnitContext, curves: dict[str, Tensor], shares: Tensor) -> tuple[RemovalOrder, ...]:
    """For each order, its area and mean curve, and how much smaller the area of p is on the same images."""
    draws = {"resamples": ctx.settings.knowledge.bootstrap, "seed": ctx.resampling_seed}
    areas = {name: curve_area(curve, shares) for name, curve in curves.items()}
    return tuple(
        RemovalOrder(
            order=name,
            area=bootstrap_mean(area, **draws),
            difference=bootstrap_mean(areas["p"] - area, **draws),
            curve=curves[name].mean(dim=0).tolist(),
        )
        for name, area in areas.items()
    )


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A forward pass per image, order and step, and the gradients of Grad-CAM."""
    (_, r), asked = facts.layers[unit.layer or ""], settings.faithfulness
    n, steps, orders = (min(asked.images_per_class * facts.classes, facts.samples), min(asked.steps, r), len(ORDERS))
    passes = n * (2 + orders * (steps - 1)) + n * TRAIN_PASSES
    batch = NUMBER * min(facts.at_once, n) * facts.activations
    memory = 3 * NUMBER * n * facts.numbers + 2 * batch
    return Cost(passes * facts.forward, NUMBER * orders * n * (steps + 1), memory)


STAGES = (
    Stage(
        "faithfulness",
        version=3,
        run=run_faithfulness,
        settings=(
            "seed",
            "faithfulness",
            "knowledge.bootstrap",
            "region.kappa_max",
            *MODEL_SETTINGS,
            "network.sample_layer",
            "network.precision",
        ),
        outside=factory_digest,
        needs=(
            reads(ImagesResult, "images", "classes"),
            Need("training", NETWORK_FILES, checkpoint="last"),
            reads(SampleResult, "mean_directions", checkpoint="last"),
            reads(ImportanceResult, "region_weights", checkpoint="last"),
            reads(RegionResult, "embedding", "grid", "mean_strength", checkpoint="last"),
        ),
        per=("layer",),
        weight=10.0,
        part="faithfulness",
        cost=_cost,
    ),
)
