"""Stage training: the network at each checkpoint, trained here segment by segment or taken from files."""

import re
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.networks import (
    Normalised,
    TrainingSettings,
    TrainingState,
    checkpoint_steps,
    evaluate,
    load_state,
    load_weights,
    save_state,
    save_weights,
    total_steps,
    train,
)
from patternscope.networks.models.heads import save_head
from patternscope.networks.models.huggingface import PREFIX
from patternscope.networks.models.normalised import head_of
from patternscope.networks.models.weight_files import weight_name
from patternscope.networks.training.placement import Moment, stop_at_next
from patternscope.networks.training.train import Stop
from patternscope.results.images import ImagesResult, LabelledImages
from patternscope.results.result import reads, stage_name
from patternscope.results.study import OWN_NETWORK
from patternscope.results.training import HEAD_FILE, NETWORK_FILE, STATE_FILE, ReadOutputs, ReadProbe, TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import (
    check_logits,
    is_analysed_as_it_is,
    loading,
    measured_accuracy,
    names_of,
    open_network,
    read_outputs,
    with_outputs,
    with_probe,
)
from patternscope.study.cost_model import NUMBER, TRAIN_PASSES, Cost, Facts
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.network_factory import (
    MODEL_SETTINGS,
    checkpoint_file,
    network_digest,
    start_file,
    study_network,
    takes_published,
)
from patternscope.study.stages.images import trains_here
from patternscope.study.start import AS_THEY_ARE, start_of
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

# For the placement of checkpoints: the accuracy on this many images is within 0.04 of that on all.
_IMAGES_LOOKED_AT = 200


class _Some(NamedTuple):
    """Images (n, channels, h, w) uint8 and their labels (n,)."""

    images: Tensor
    labels: Tensor


def run_training(ctx: UnitContext) -> None:
    """Write the network of one checkpoint, its training state if trained here, and its held-out accuracy."""
    settings: StudySettings = ctx.settings
    checkpoint, images = ctx.unit.checkpoint or 0, inputs_of(ctx).images
    path = checkpoint_file(settings.network, settings.checkpoints.folder, checkpoint)
    held_out = _part(images.held_out)
    as_it_is = is_analysed_as_it_is(settings)
    begins = path is None and not ctx.paths("training", STATE_FILE)
    kind = start_of(settings, len(images.classes), ctx.stage_seed) if begins else None
    network, outputs, probe = _as_it_is(ctx, path) if as_it_is else (_to_be_trained(ctx), None, None)
    if path is not None:
        name = weight_name(path)
        step, losses, total = step_of(name), [], None
    elif settings.training.epochs == 0:
        name, step, losses, total = AS_THEY_ARE[kind], None, [], None
    else:
        name, step, losses, total = _train_segment(ctx, network, _part(images.train))
    save_weights(network, ctx.folder / NETWORK_FILE)
    head = head_of(network)
    if head is not None:
        save_head(head, ctx.folder / HEAD_FILE)
    if as_it_is and probe is None and (path is not None or _comes_with_weights(settings)):
        names, _ = names_of(network, settings)
        accuracy = measured_accuracy(network, held_out.images, held_out.labels, images.classes, names)
    else:
        accuracy = evaluate(network, held_out.images, held_out.labels).accuracy
    TrainingResult(
        checkpoint=checkpoint,
        name=name,
        step=step,
        losses=losses,
        held_out_accuracy=accuracy,
        held_out_images=len(held_out.labels),
        total_steps=total,
        outputs=outputs,
        probe=probe,
        start=kind,
    ).save(ctx.folder)


def _to_be_trained(ctx: UnitContext) -> Normalised:
    """The initial network of a training."""
    settings: StudySettings = ctx.settings
    classes = len(inputs_of(ctx).images.classes)
    begins, start = not ctx.paths("training", STATE_FILE), start_file(settings.network)
    published = begins and settings.network.pretrained
    network = study_network(settings.network, settings.images, classes, ctx.stage_seed, pretrained=published)
    if begins and start is not None:
        load_weights(network, start, as_start=True)
    network.to(device_of(ctx))
    if (ctx.unit.checkpoint or 0) == 0:  # the others are the same network
        check_logits(network, settings.images, classes)
    return network


def _comes_with_weights(settings: StudySettings) -> bool:
    """Whether the architecture itself has weights."""
    return settings.network.pretrained or settings.network.architecture.startswith(PREFIX)


def _as_it_is(ctx: UnitContext, path: Path | None) -> tuple[Normalised, ReadOutputs | None, ReadProbe | None]:
    """The network with its weights, and its head."""
    settings: StudySettings = ctx.settings
    images = inputs_of(ctx).images
    begins = path is None and _comes_with_weights(settings)
    given = path or start_file(settings.network)
    network = open_network(settings, images.classes, ctx.stage_seed, loading(given), pretrained=begins)
    network.to(device_of(ctx))
    if settings.network.head == "probe":
        probed, probe = with_probe(network, _part(images.train), len(images.classes), ctx.stage_seed)
        return probed.to(device_of(ctx)), None, probe
    chosen, outputs = with_outputs(network, read_outputs(network, settings, images.classes))
    return chosen.to(device_of(ctx)), outputs, None


def step_of(name: str) -> int | None:
    """Return the training step at the end of a weight file's name, None without one.

    >>> step_of("step_00000930"), step_of("resnet-step=12"), step_of("epoch_3")
    (930, 12, None)
    """
    step = re.search(r"step[_=-]?(\d+)$", name)
    return None if step is None else int(step[1])


def steps_of_checkpoints(asked: TrainingSettings, images: int) -> list[int]:
    """Return the steps at which a training on a number of images has its checkpoints.

    InputError for more checkpoints than steps.
    """
    count = asked.checkpoint_count
    steps = checkpoint_steps(total_steps(asked, images), count)
    if len(steps) < count:
        raise InputError(
            f"training.checkpoints: expected at most {len(steps)} in a training of {steps[-1]} steps, got {count}"
        )
    return steps


def _part(images: LabelledImages | None) -> LabelledImages:
    """The images of a part that the stage images has written for this study."""
    if images is None:
        raise KeyError("the stage images wrote no such part")
    return images


def _train_segment(ctx: UnitContext, network: Normalised, images: LabelledImages) -> tuple[str, int, list[float], int]:
    """Train in place from the checkpoint before to this one; return name, step, losses and total steps."""
    settings: StudySettings = ctx.settings
    checkpoint = ctx.unit.checkpoint or 0
    steps = steps_of_checkpoints(settings.training, len(images.labels))
    before = ctx.paths("training", STATE_FILE)
    start: TrainingState | None = load_state(before[-1]) if before else None
    first = 0 if start is None else start.step

    def report(step: int, total: int, loss: float) -> None:
        share = (step - first) / max(1, steps[checkpoint] - first)
        ctx.report(share, f"step {step} of {total}, loss {loss:.3f}")

    of_study = _step_of_study(ctx)
    placed = settings.training.placement == "accuracy" and checkpoint > 0 and of_study is None
    planned = steps[checkpoint] if of_study is None else of_study
    state = train(
        network,
        images.images,
        images.labels,
        settings.training,
        seed=ctx.stage_seed,
        start=start,
        until_step=steps[-1] if placed else planned,
        report=report,
        stop=_stop_where_accuracy_changes(ctx, network, start, steps) if placed and start is not None else None,
    )
    save_state(state, ctx.folder / STATE_FILE)
    network.load_state_dict(state.network)
    return f"step {state.step}", state.step, torch.as_tensor(state.losses)[first:].tolist(), steps[-1]


def _step_of_study(ctx: UnitContext) -> int | None:
    """The step of this checkpoint of the study's own network, if a further network is trained to the same steps."""
    known = ctx.paths(stage_name(TrainingResult, OWN_NETWORK), "training.json")
    return TrainingResult.load(known[0].parent).step if known else None


def _stop_where_accuracy_changes(ctx: UnitContext, network: Normalised, start: TrainingState, steps: list[int]) -> Stop:
    """Return a function that ends a segment at the next checkpoint; `start` has the state of the ones before."""
    looked_at = _looked_at(_part(inputs_of(ctx).images.held_out), ctx.settings.seed)

    def accuracy(trained: nn.Module) -> float:
        return evaluate(trained, looked_at.images, looked_at.labels).accuracy

    network.load_state_dict(start.network)
    left = len(steps) - (ctx.unit.checkpoint or 0)
    return stop_at_next(Moment(start.step, accuracy(network)), left, steps[-1], len(steps), accuracy)


def _looked_at(held_out: LabelledImages, seed: int) -> _Some:
    """The held-out images that measure the accuracy for the placement, always the same, equally many per class."""
    labels = held_out.labels
    if len(labels) <= _IMAGES_LOOKED_AT:
        chosen = torch.arange(len(labels))
    else:
        chosen = choose_samples(labels, -(-_IMAGES_LOOKED_AT // len(labels.unique())), seed=seed)
    return _Some(held_out.images[chosen], labels[chosen])


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """The test on held-out images, and the steps since the checkpoint before."""
    tested = facts.held_out * facts.forward
    if not trains_here(settings) or settings.training.epochs == 0:
        return Cost(tested, NUMBER * facts.weights, 3 * NUMBER * facts.weights)
    asked = settings.training
    steps = checkpoint_steps(total_steps(asked, facts.train), asked.checkpoint_count)
    checkpoint = min(unit.checkpoint or 0, len(steps) - 1)
    done = steps[checkpoint] - (steps[checkpoint - 1] if checkpoint else 0)
    return Cost(
        tested + done * asked.batch_size * TRAIN_PASSES * facts.forward,
        NUMBER * facts.weights * (4 if steps[checkpoint] else 2),
        NUMBER * (6 * facts.weights + 2 * asked.batch_size * facts.activations),
    )


STAGES = (
    Stage(
        "training",
        version=2,
        run=run_training,
        settings=(
            "seed",
            *MODEL_SETTINGS,
            "network.weights",
            "network.fine_tune",
            "network.classes",
            "network.class_file",
            "network.head",
            "training",
            "checkpoints.folder",
        ),
        needs=(
            reads(ImagesResult, "classes", "train", "held_out"),
            Need("training", (STATE_FILE,), checkpoint="before"),
        ),
        per=("checkpoint",),
        external=network_digest,
        outside=takes_published,
        weight=20.0,
        cost=_cost,
    ),
)
