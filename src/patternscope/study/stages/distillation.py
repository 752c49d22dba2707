"""Stages distillation/<student>: students of the last checkpoint's network, trained from a fresh start."""

from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.quality import agreement
from patternscope.networks import (
    Normalised,
    Student,
    TrainingSettings,
    distil_features,
    distil_logits,
    evaluate,
    save_weights,
)
from patternscope.results.images import ImagesResult, LabelledImages
from patternscope.results.networks import DistillationResult
from patternscope.results.result import reads, stage_name
from patternscope.results.training import NETWORK_FILE, NETWORK_FILES
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, TRAIN_PASSES, Cost, Facts
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, student_digest, student_settings, study_network
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext


def run_distillation(ctx: UnitContext) -> None:
    """Write a student's network, how it was trained, its accuracy, and its agreement with its teacher."""
    settings: StudySettings = ctx.settings
    images, asked = inputs_of(ctx).images, settings.distillation
    network, teacher = student_settings(settings), trained_network(ctx)
    # One start and one order of images for all students: they differ only in what they learn from.
    seed = unit_seed(settings.seed, "distillation")
    student = study_network(network, settings.images, len(images.classes), seed).to(device_of(ctx))
    held_out, train = images.held_out, images.train
    if held_out is None or train is None:
        raise KeyError("the stage images wrote no images to train on")
    trained = _distil(ctx, student, teacher, train, seed)
    student.load_state_dict(trained.network)
    save_weights(student, ctx.folder / NETWORK_FILE)
    own, taught = (evaluate(model, held_out.images, held_out.labels) for model in (student, teacher))
    of_logits = _name(ctx.unit) == "logits"
    student_layer, teacher_layer = (None, None) if of_logits else _matched(settings)
    DistillationResult(
        student=_name(ctx.unit),
        architecture=network.architecture,
        weight=asked.weight,
        temperature=asked.temperature if of_logits else None,
        student_layer=student_layer,
        teacher_layer=teacher_layer,
        accuracy=own.accuracy,
        teacher_accuracy=taught.accuracy,
        agreement=agreement(own.logits, taught.logits),
        held_out_images=len(held_out.labels),
        losses=trained.losses.tolist(),
    ).save(ctx.folder)


def _name(unit: Unit) -> str:
    """What the student of a unit learns from."""
    return unit.stage.rpartition("/")[2]


def _distil(ctx: UnitContext, student: Normalised, teacher: Normalised, train: LabelledImages, seed: int) -> Student:
    """Train the student that the unit is named after."""
    asked = ctx.settings.distillation
    labels: Tensor = train.labels

    def report(step: int, total: int, loss: float) -> None:
        ctx.report(step / total, f"step {step} of {total}, loss {loss:.3f}")

    given = (student, teacher, train.images, labels, _training(ctx.settings))
    common = {"weight": asked.weight, "seed": seed, "report": report}
    if _name(ctx.unit) == "logits":
        return distil_logits(*given, temperature=asked.temperature, **common)
    return distil_features(*given, layers=_matched(ctx.settings), **common)


def _training(settings: StudySettings) -> TrainingSettings:
    """The teacher's training settings, with the students' number of epochs."""
    epochs = settings.distillation.epochs or settings.training.epochs
    if epochs < 1:
        raise InputError("distillation.epochs: expected a number, since the teacher was not trained here, got none")
    return settings.training.model_copy(update={"epochs": epochs})


def _matched(settings: StudySettings) -> tuple[str, str]:
    """The student's layer that learns features, and the teacher's layer that provides them."""
    return settings.distillation.layers[-1], settings.network.layers[-1]


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """The training of a student, with a forward pass of the teacher at each step."""
    epochs = settings.distillation.epochs or settings.training.epochs
    seen = epochs * facts.train * (1 + TRAIN_PASSES) + 2 * facts.held_out
    memory = NUMBER * (6 * facts.weights + 3 * settings.training.batch_size * facts.activations)
    return Cost(seen * facts.forward, NUMBER * facts.weights, memory)


def _stage(student: str, *settings: str) -> Stage:
    """The stage of one student."""
    asked = ("architecture", "arguments", "weight", "epochs")
    return Stage(
        stage_name(DistillationResult, student),
        version=1,
        run=run_distillation,
        settings=("seed", *MODEL_SETTINGS, "training", *(f"distillation.{name}" for name in asked), *settings),
        outside=student_digest,
        needs=(reads(ImagesResult, "classes", "train", "held_out"), Need("training", NETWORK_FILES, checkpoint="last")),
        weight=30.0,
        part="distillation",
        cost=_cost,
    )


STAGES = (_stage("logits", "distillation.temperature"), _stage("features", "network.layers", "distillation.layers"))
