"""Stage training: the network at each checkpoint, trained here segment by segment or taken from files."""

import re
from typing import Any

import torch

from patternscope.errors import InputError
from patternscope.networks import (
    Normalised,
    TrainingSettings,
    TrainingState,
    checkpoint_steps,
    evaluate,
    load_state,
    load_weights,
    resolve_device,
    save_state,
    save_weights,
    total_steps,
    train,
)
from patternscope.results.arrays import ShardedArray, load_arrays
from patternscope.results.json_csv import read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import (
    MODEL_SETTINGS,
    check_logits,
    checkpoint_file,
    network_digest,
    study_network,
)
from patternscope.workflow.stages import Need, Stage, UnitContext


def run_training(ctx: UnitContext) -> None:
    """Write the network of one checkpoint, its training state if trained here, and its held-out accuracy."""
    settings: StudySettings = ctx.settings
    checkpoint = ctx.unit.checkpoint or 0
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    path = checkpoint_file(settings.network, settings.checkpoints.folder, checkpoint)
    begins = path is None and not ctx.paths("training", "state.safetensors")
    network = study_network(
        settings.network,
        settings.images,
        len(classes),
        ctx.stage_seed,
        pretrained=begins and settings.network.pretrained,
    )
    network.to(resolve_device(ctx.device))
    if checkpoint == 0:  # the others are the same network
        check_logits(network, settings.images, len(classes))
    if path is None:
        record = _train_segment(ctx, network)
    else:
        load_weights(network, path)
        record = {"name": path.stem, "step": step_of(path.stem), "losses": []}
    save_weights(network, ctx.folder / "network.safetensors")
    held_out = ctx.path("images", "held_out/labels.safetensors")
    labels = load_arrays(held_out)["labels"]
    accuracy = evaluate(network, ShardedArray(held_out.parent, "images"), labels).accuracy
    write_json(
        ctx.folder / "training.json",
        {**record, "checkpoint": checkpoint, "held_out_accuracy": accuracy, "held_out_images": len(labels)},
    )


def step_of(name: str) -> int | None:
    """Return the training step that the name of a weight file ends with, None where it tells none.

    >>> step_of("step_00000930"), step_of("resnet-step=12"), step_of("epoch_3")
    (930, 12, None)
    """
    found = re.search(r"step[_=-]?(\d+)$", name)
    return None if found is None else int(found[1])


def steps_of_checkpoints(asked: TrainingSettings, images: int) -> list[int]:
    """Return the steps at which a training on so many images has its checkpoints.

    InputError for more checkpoints than steps.
    """
    count = asked.checkpoint_count
    steps = checkpoint_steps(total_steps(asked, images), count)
    if len(steps) < count:
        raise InputError(
            f"training.checkpoints: saw {count}, wanted at most {len(steps)} in a training of "
            f"{steps[-1]} steps"
        )
    return steps


def _train_segment(ctx: UnitContext, network: Normalised) -> dict[str, Any]:
    """Train from the checkpoint before to this one; the network holds the result."""
    settings: StudySettings = ctx.settings
    checkpoint = ctx.unit.checkpoint or 0
    labels_file = ctx.path("images", "train/labels.safetensors")
    labels = load_arrays(labels_file)["labels"]
    steps = steps_of_checkpoints(settings.training, len(labels))
    before = ctx.paths("training", "state.safetensors")
    start: TrainingState | None = load_state(before[-1]) if before else None
    first = 0 if start is None else start.step

    def report(step: int, total: int, loss: float) -> None:
        ctx.report(
            (step - first) / max(1, steps[checkpoint] - first), f"step {step} of {total}, loss {loss:.3f}"
        )

    state = train(
        network,
        ShardedArray(labels_file.parent, "images"),
        labels,
        settings.training,
        seed=ctx.stage_seed,
        start=start,
        until_step=steps[checkpoint],
        report=report,
    )
    save_state(state, ctx.folder / "state.safetensors")
    network.load_state_dict(state.network)
    return {
        "name": f"step {state.step}",
        "step": state.step,
        "total_steps": steps[-1],
        "losses": torch.as_tensor(state.losses)[first:].tolist(),
    }


TRAINING = Stage(
    "training",
    version=2,
    run=run_training,
    settings=(
        "seed",
        *MODEL_SETTINGS,
        "network.weights",
        "training",
        "checkpoints.folder",
    ),
    needs=(
        Need("images", ("classes.json", "train/", "held_out/")),
        Need("training", ("state.safetensors",), checkpoint="before"),
    ),
    per=("checkpoint",),
    external=network_digest,
    weight=20.0,
)
