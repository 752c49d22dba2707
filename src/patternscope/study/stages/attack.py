"""Stage attack: an adversarial attack on the samples, its steps embedded by the maps of the clean images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings import SampleEmbedding
from patternscope.errors import InputError, nearest
from patternscope.networks import (
    Normalised,
    Recording,
    attack_success,
    attack_targets,
    images_at_once,
    pgd_steps,
    record,
    second_class,
)
from patternscope.results.attack import AttackedLayer, AttackResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.results.training import NETWORK_FILES
from patternscope.settings.optional import AttackSettings
from patternscope.settings.study import StudySettings
from patternscope.study.attack_pictures import MOST_BYTES, AttackPictures
from patternscope.study.cost_model import NUMBER, TRAIN_PASSES, Cost, Facts
from patternscope.study.fitting import embed_as_judged, fitted_sample
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, RECORDING_SETTINGS, factory_digest, recording_options
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

UNTARGETED = "none"
TARGETS = ("second", "random", UNTARGETED)
NOT_ATTACKED = -1


@dataclass(frozen=True)
class AttackPlan:
    """Which samples are attacked, (n,) bool, and the target class of each, (n,) with -1 for none.

    `targeted` is False if the attack leads away from the label, to any class.
    """

    attacked: Tensor
    targets: Tensor
    targeted: bool


@dataclass(frozen=True)
class _Trajectories:
    """The samples at the kept steps, and their embeddings by the maps of the clean images."""

    pictures: AttackPictures
    logits: Tensor  # (t, n, c)
    sample_embedding: Tensor  # (t, n, e)
    regions: dict[str, Tensor]  # layer -> (t, n, r, e)
    sample_map: SampleEmbedding
    region_results: dict[str, RegionResult]

    def put(self, place: int, rows: Tensor, images: Tensor, recorded: Recording) -> None:
        """Add some samples at one kept step and their recording; features are embedded and dropped."""
        self.pictures.put(place, rows, images)
        device = self.sample_map.map.device
        self.logits[place, rows] = recorded.logits.float()
        self.sample_embedding[place, rows] = self.sample_map(recorded.sample_features.to(device)).cpu()
        for layer, region in self.region_results.items():
            features = recorded.regional_features[layer].to(device)
            self.regions[layer][place, rows] = embed_as_judged(region, features, rows).cpu()


def run_attack(ctx: UnitContext) -> None:
    """Write images, logits and embeddings of every second step; samples that are not attacked stay clean."""
    settings: StudySettings = ctx.settings
    asked, network, samples = settings.attack, settings.network, inputs_of(ctx).images
    logits, labels = inputs_of(ctx).load(FeaturesResult).logits, samples.labels
    plan = plan_attack(asked, logits, labels, samples.classes, ctx.seed)
    model = trained_network(ctx)
    steps = kept_steps(asked.n_step)
    images = samples.images.float() / 255
    trajectories = _clean_trajectories(ctx, images, logits, len(steps))
    generator = torch.Generator().manual_seed(ctx.seed)
    rows, longest, done = torch.nonzero(plan.attacked).flatten(), 0.0, 0
    options = recording_options(network)
    for batch in rows.split(images_at_once(images)):
        clean = moved = images[batch]
        classes = plan.targets[batch] if plan.targeted else labels[batch]
        for place, moved in _kept_images(model, clean, classes, asked, generator):
            trajectories.put(place, batch, moved, record(model, moved, network.layers, network.grid, **options))
            share = (done + len(batch) * place / (len(steps) - 1)) / len(rows)
            ctx.report(share, f"step {steps[place]} of {asked.n_step}")
        longest = max(longest, perturbation_length(moved.double() - clean.double(), asked.norm))
        images[batch] = moved
        done += len(batch)
    _result(asked, plan, trajectories, images, labels, longest).save(ctx.folder)


def check_target(target: str, classes: Sequence[str]) -> None:
    """Refuse a target that is neither a class nor a way to choose one."""
    if target not in (*TARGETS, *classes):
        raise InputError(f"attack.target: expected a class, got {target!r}; {nearest(target, [*classes, *TARGETS])}")


def plan_attack(asked: AttackSettings, logits: Tensor, labels: Tensor, classes: Sequence[str], seed: int) -> AttackPlan:
    """Return the attacked samples, which are correctly classified, and their target classes.

    InputError if there is nothing to attack, or the target is not a class.
    """
    correct = logits.argmax(dim=1) == labels
    if not correct.any():
        raise InputError(
            f"network: expected at least one of the {len(labels)} samples to be classified correctly, got none"
        )
    target: Any = asked.target
    check_target(target, classes)
    if target not in TARGETS:
        target = list(classes).index(target)
        correct &= labels != target
        if not correct.any():
            raise InputError(
                f"attack.target: expected correctly classified samples of another class than {asked.target!r}, got none"
            )
    targets = torch.full_like(labels, NOT_ATTACKED)
    if target != UNTARGETED:
        targets[correct] = attack_targets(logits[correct], labels[correct], target, seed=seed)
    return AttackPlan(correct, targets, target != UNTARGETED)


def kept_steps(n_step: int) -> list[int]:
    """Return the steps that are kept: the clean images, every second step, the last.

    >>> kept_steps(5)
    [0, 2, 4, 5]
    """
    return [*range(0, n_step, 2), n_step]


def perturbation_length(offset: Tensor, norm: str) -> float:
    """Return the length of the longest perturbation among those of some images (n, ...).

    >>> perturbation_length(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), "l2")
    5.0
    """
    order = float("inf") if norm == "linf" else 2
    return float(torch.linalg.vector_norm(offset.flatten(1), ord=order, dim=1).max())


def _kept_images(
    model: Normalised, clean: Tensor, classes: Tensor, asked: AttackSettings, generator: torch.Generator
) -> Iterator[tuple[int, Tensor]]:
    """Images at the kept steps after the clean ones, each with its index among the kept."""
    places = {step: place for place, step in enumerate(kept_steps(asked.n_step))}
    steps = pgd_steps(
        model,
        clean,
        classes,
        epsilon=asked.epsilon,
        step_size=asked.step,
        n_step=asked.n_step,
        norm=asked.norm,
        targeted=asked.target != UNTARGETED,
        random_start=generator if asked.random_start else False,
    )
    return ((places[step], images) for step, images in steps if step and step in places)


def _clean_trajectories(ctx: UnitContext, images: Tensor, logits: Tensor, count: int) -> _Trajectories:
    """The trajectories of samples that are not attacked, at `count` steps."""
    settings: StudySettings = ctx.settings
    inputs, device = inputs_of(ctx), device_of(ctx)
    sample = inputs.sample()
    regions = {layer: inputs.region(layer) for layer in inputs.layers(RegionResult)}
    return _Trajectories(
        AttackPictures.clean(images, count),
        logits.repeat(count, 1, 1),
        sample.embedding.repeat(count, 1, 1),
        {layer: region.embedding.repeat(count, 1, 1, 1) for layer, region in regions.items()},
        fitted_sample(sample, settings.sample.kappa_max, device),
        regions,
    )


def _result(
    asked: AttackSettings, plan: AttackPlan, trajectories: _Trajectories, images: Tensor, labels: Tensor, longest: float
) -> AttackResult:
    """The attack with its trajectories, its last images, and how often it succeeded."""
    attacked, targets = plan.attacked, plan.targets.clone()
    if not plan.targeted:
        targets[attacked] = second_class(trajectories.logits[-1][attacked], labels[attacked])
    classes = targets if plan.targeted else labels
    succeeded = attacked & torch.stack(
        [attack_success(logits, classes, targeted=plan.targeted) for logits in trajectories.logits]
    )
    shares = (succeeded.double().sum(dim=1) / attacked.sum()).tolist()
    return AttackResult(
        targets=targets,
        success=succeeded[-1],
        attacked=attacked,
        images=images,
        pictures=trajectories.pictures.values,
        logits=trajectories.logits,
        sample_embedding=trajectories.sample_embedding,
        epsilon=asked.epsilon,
        step_size=asked.step,
        n_step=asked.n_step,
        norm=asked.norm,
        target=asked.target,
        targeted=plan.targeted,
        random_start=asked.random_start,
        steps=kept_steps(asked.n_step),
        samples=len(labels),
        attacked_count=int(attacked.sum()),
        succeeded_count=int(succeeded[-1].sum()),
        success_share=shares[-1],
        success_by_step=shares,
        longest_perturbation=longest,
        layers={layer: AttackedLayer(embedding) for layer, embedding in trajectories.regions.items()},
    )


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """The steps of the attack, a recording and pictures of each kept one, and the trajectories of all regions."""
    n, asked = facts.samples, settings.attack
    steps = len(kept_steps(asked.n_step))
    held = NUMBER * steps * n * (facts.regions * facts.dimensions + facts.classes + facts.dimensions)
    images = NUMBER * n * facts.numbers
    held += min(MOST_BYTES, steps * n * facts.numbers)
    seconds = n * facts.forward * (asked.n_step * TRAIN_PASSES + steps)
    return Cost(seconds, held + images, held + 2 * images + 2 * NUMBER * facts.at_once * facts.activations)


STAGES = (
    Stage(
        "attack",
        version=2,
        run=run_attack,
        settings=("seed", "attack", *MODEL_SETTINGS, *RECORDING_SETTINGS, "sample.kappa_max"),
        outside=factory_digest,
        needs=(
            reads(ImagesResult, "images", "classes"),
            Need("training", NETWORK_FILES, checkpoint="last"),
            reads(FeaturesResult, "logits", checkpoint="last"),
            reads(SampleResult, "map", "scale", checkpoint="last"),
            reads(RegionResult, "map", "scale", "unseen", checkpoint="last", layer="all"),
        ),
        weight=20.0,
        part="attack",
        cost=_cost,
    ),
)
