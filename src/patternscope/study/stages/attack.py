"""Stage attack: an adversarial attack on the samples, its steps seen through the maps of the clean images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings import RegionEmbedding, SampleEmbedding
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
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import read_json, write_json
from patternscope.settings.optional import AttackSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import (
    MODEL_SETTINGS,
    RECORDING_SETTINGS,
    recording_options,
)
from patternscope.study.stages.fitting import fitted_regions, fitted_sample
from patternscope.study.stages.trained import trained_network
from patternscope.workflow.stages import Need, Stage, UnitContext, layer_folder

UNTARGETED = "none"
AIMS = ("second", "random", UNTARGETED)
NOT_ATTACKED = -1


@dataclass(frozen=True)
class Aims:
    """Which samples are attacked, (n,) bool, and the class each is led to, (n,) with -1 for none.

    `targeted` is False where the attack leads away from the label, wherever that is.
    """

    attacked: Tensor
    targets: Tensor
    targeted: bool


@dataclass(frozen=True)
class _Way:
    """What the network makes of the samples at the kept steps, through the maps of the clean images."""

    logits: Tensor  # (t, n, c)
    sample_embedding: Tensor  # (t, n, e)
    regions: dict[str, Tensor]  # layer -> (t, n, r, e)
    sample_map: SampleEmbedding
    region_maps: dict[str, RegionEmbedding]

    def put(self, place: int, rows: Tensor, recorded: Recording) -> None:
        """Take in what was recorded of some samples at one kept step; features are embedded and dropped."""
        device = self.sample_map.map.device
        self.logits[place, rows] = recorded.logits.float()
        self.sample_embedding[place, rows] = self.sample_map(recorded.sample_features.to(device)).cpu()
        for layer, embed in self.region_maps.items():
            features = recorded.regional_features[layer].to(device)
            self.regions[layer][place, rows] = embed(features).cpu()


def run_attack(ctx: UnitContext) -> None:
    """Write images, logits and embeddings of every second step; samples that are not attacked stay clean."""
    settings: StudySettings = ctx.settings
    asked, network = settings.attack, settings.network
    samples = load_arrays(ctx.path("images", "samples.safetensors"))
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    logits = load_arrays(ctx.path("features", "sample.safetensors"))["logits"]
    labels = samples["labels"]
    aims = attack_aims(asked, logits, labels, classes, ctx.seed)
    model = trained_network(ctx)
    steps = kept_steps(asked.n_step)
    way = _clean_way(ctx, logits, len(steps))
    images = samples["images"].float() / 255
    generator = torch.Generator().manual_seed(ctx.seed)
    rows, longest = torch.nonzero(aims.attacked).flatten(), 0.0
    options = recording_options(network)
    for first, batch in _numbered(rows.split(images_at_once(images))):
        clean = moved = images[batch]
        led = aims.targets[batch] if aims.targeted else labels[batch]
        for place, moved in _kept(model, clean, led, asked, generator):
            way.put(place, batch, record(model, moved, network.layers, network.grid, **options))
            share = (first + len(batch) * place / (len(steps) - 1)) / len(rows)
            ctx.report(share, f"step {steps[place]} of {asked.n_step}")
        longest = max(longest, perturbation_length(moved.double() - clean.double(), asked.norm))
        images[batch] = moved
    _write(ctx, aims, way, images, labels, longest)


def check_target(target: str, classes: Sequence[str]) -> None:
    """Refuse a target of an attack that is neither a way to choose a class nor one of the classes.

    InputError with the nearest name.
    """
    if target not in (*AIMS, *classes):
        raise InputError(f"attack.target: {target!r} is no class; {nearest(target, [*classes, *AIMS])}")


def attack_aims(asked: AttackSettings, logits: Tensor, labels: Tensor, classes: list[str], seed: int) -> Aims:
    """Return what is attacked, the correctly classified samples, and the classes they are led to.

    Source: METHOD section 8; the choice of classes is this project's. InputError when there is nothing to
    attack, or the target is no class.
    """
    correct = logits.argmax(dim=1) == labels
    if not correct.any():
        raise InputError(
            f"network: it classifies none of the {len(labels)} samples correctly, wanted at least one to attack"
        )
    target: Any = asked.target
    check_target(target, classes)
    if target not in AIMS:
        target = classes.index(target)
        correct &= labels != target
        if not correct.any():
            raise InputError(
                f"attack.target: every correctly classified sample is a {asked.target!r} already"
            )
    targets = torch.full_like(labels, NOT_ATTACKED)
    if target != UNTARGETED:
        targets[correct] = attack_targets(logits[correct], labels[correct], target, seed=seed)
    return Aims(correct, targets, target != UNTARGETED)


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


def _numbered(batches: tuple[Tensor, ...]) -> Iterator[tuple[int, Tensor]]:
    """Batches with the number of samples before each."""
    before = 0
    for batch in batches:
        yield before, batch
        before += len(batch)


def _kept(
    model: Normalised, clean: Tensor, classes: Tensor, asked: AttackSettings, generator: torch.Generator
) -> Iterator[tuple[int, Tensor]]:
    """Images at the kept steps after the clean ones, each with its place among the kept."""
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


def _clean_way(ctx: UnitContext, logits: Tensor, count: int) -> _Way:
    """The way of samples that nothing happens to, at `count` steps."""
    sample = load_arrays(ctx.path("sample", "sample.safetensors"))["embedding"]
    regions = {
        source.unit.layer or "": load_arrays(source.folder / "region.safetensors")["embedding"]
        for source in ctx.sources("region")
    }
    return _Way(
        logits.repeat(count, 1, 1),
        sample.repeat(count, 1, 1),
        {layer: embedding.repeat(count, 1, 1, 1) for layer, embedding in regions.items()},
        fitted_sample(ctx),
        fitted_regions(ctx),
    )


def _write(ctx: UnitContext, aims: Aims, way: _Way, images: Tensor, labels: Tensor, longest: float) -> None:
    """Write the way layer by layer, the images it ends with, and how often the attack succeeded."""
    asked: AttackSettings = ctx.settings.attack
    attacked, targets = aims.attacked, aims.targets.clone()
    if not aims.targeted:
        targets[attacked] = second_class(way.logits[-1][attacked], labels[attacked])
    led = targets if aims.targeted else labels
    succeeded = (
        torch.stack([attack_success(each, led, targeted=aims.targeted) for each in way.logits]) & attacked
    )
    shares = (succeeded.double().sum(dim=1) / attacked.sum()).tolist()
    for layer, embedding in way.regions.items():
        save_arrays(ctx.folder / f"{layer_folder(layer)}.safetensors", {"embedding": embedding})
    arrays = {"targets": targets, "success": succeeded[-1], "attacked": attacked, "images": images}
    arrays |= {"logits": way.logits, "sample_embedding": way.sample_embedding}
    save_arrays(ctx.folder / "attack.safetensors", arrays)
    write_json(
        ctx.folder / "attack.json",
        {
            "epsilon": asked.epsilon,
            "step_size": asked.step,
            "n_step": asked.n_step,
            "norm": asked.norm,
            "target": asked.target,
            "targeted": aims.targeted,
            "random_start": asked.random_start,
            "steps": kept_steps(asked.n_step),
            "samples": len(labels),
            "attacked": int(attacked.sum()),
            "succeeded": int(succeeded[-1].sum()),
            "success": shares[-1],
            "success_by_step": shares,
            "longest_perturbation": longest,
        },
    )


ATTACK = Stage(
    "attack",
    version=1,
    run=run_attack,
    settings=(
        "seed",
        "attack",
        *MODEL_SETTINGS,
        *RECORDING_SETTINGS,
        "sample.kappa_max",
        "region.kappa_max",
    ),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("training", ("network.safetensors",), checkpoint="last"),
        Need("features", ("sample.safetensors",), checkpoint="last"),
        Need("sample", ("sample.safetensors", "sample.json"), checkpoint="last"),
        Need("region", ("region.safetensors", "region.json"), checkpoint="last", layer="all"),
    ),
    weight=20.0,
)
