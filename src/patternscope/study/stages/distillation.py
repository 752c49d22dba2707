"""Stages distillation/<student>: students of the last checkpoint's network, trained from a fresh start."""

from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge import agreement
from patternscope.networks import (
    Normalised,
    Student,
    TrainingSettings,
    distil_features,
    distil_logits,
    evaluate,
    resolve_device,
    save_weights,
)
from patternscope.results.arrays import ShardedArray, load_arrays
from patternscope.results.json_csv import read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import MODEL_SETTINGS, student_settings, study_network
from patternscope.study.stages.trained import trained_network
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import Need, Stage, UnitContext


def run_distillation(ctx: UnitContext) -> None:
    """Write a student's network, how it was trained, and how often it is right and agrees with its teacher."""
    settings: StudySettings = ctx.settings
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    device = resolve_device(ctx.device)
    teacher = trained_network(ctx)
    # One start and one order of images for all students: they differ in what they learn from, and in nothing else.
    seed = unit_seed(settings.seed, "distillation")
    student = study_network(student_settings(settings), settings.images, len(classes), seed).to(device)
    found = _distil(ctx, student, teacher, seed)
    student.load_state_dict(found.network)
    save_weights(student, ctx.folder / "network.safetensors")
    labels_file = ctx.path("images", "held_out/labels.safetensors")
    labels, images = load_arrays(labels_file)["labels"], ShardedArray(labels_file.parent, "images")
    own, wanted = (evaluate(model, images, labels) for model in (student, teacher))
    write_json(
        ctx.folder / "distillation.json",
        {
            **_origin(ctx),
            "accuracy": own.accuracy,
            "teacher_accuracy": wanted.accuracy,
            "agreement": agreement(own.logits, wanted.logits),
            "held_out_images": len(labels),
            "losses": found.losses.tolist(),
        },
    )


def _distil(ctx: UnitContext, student: Normalised, teacher: Normalised, seed: int) -> Student:
    """Train the student that the unit is named after."""
    asked = ctx.settings.distillation
    labels_file = ctx.path("images", "train/labels.safetensors")
    labels: Tensor = load_arrays(labels_file)["labels"]

    def report(step: int, total: int, loss: float) -> None:
        ctx.report(step / total, f"step {step} of {total}, loss {loss:.3f}")

    given = (student, teacher, ShardedArray(labels_file.parent, "images"), labels, _training(ctx))
    if ctx.unit.stage == "distillation/logits":
        return distil_logits(
            *given, temperature=asked.temperature, weight=asked.weight, seed=seed, report=report
        )
    return distil_features(*given, layers=_matched(ctx), weight=asked.weight, seed=seed, report=report)


def _training(ctx: UnitContext) -> TrainingSettings:
    """How the teacher was trained, for as many epochs as asked for."""
    settings: StudySettings = ctx.settings
    epochs = settings.distillation.epochs or settings.training.epochs
    if epochs < 1:
        raise InputError(
            "distillation.epochs: the teacher was not trained here; wanted a number for its students"
        )
    return settings.training.model_copy(update={"epochs": epochs})


def _matched(ctx: UnitContext) -> tuple[str, str]:
    """The student's layer that learns features, and the teacher's layer that they are of."""
    return ctx.settings.distillation.layers[-1], ctx.settings.network.layers[-1]


def _origin(ctx: UnitContext) -> dict[str, object]:
    """What a student learnt from."""
    asked = ctx.settings.distillation
    common = {"architecture": student_settings(ctx.settings).architecture, "weight": asked.weight}
    if ctx.unit.stage == "distillation/logits":
        return {**common, "student": "logits", "temperature": asked.temperature}
    own, wanted = _matched(ctx)
    return {**common, "student": "features", "student_layer": own, "teacher_layer": wanted}


_SETTINGS = (
    "seed",
    *MODEL_SETTINGS,
    "training",
    *(f"distillation.{name}" for name in ("architecture", "arguments", "weight", "epochs")),
)
_NEEDS = (
    Need("images", ("classes.json", "train/", "held_out/")),
    Need("training", ("network.safetensors",), checkpoint="last"),
)

LOGITS_STUDENT = Stage(
    "distillation/logits",
    version=1,
    run=run_distillation,
    settings=(*_SETTINGS, "distillation.temperature"),
    needs=_NEEDS,
    weight=30.0,
)
FEATURES_STUDENT = Stage(
    "distillation/features",
    version=1,
    run=run_distillation,
    settings=(*_SETTINGS, "network.layers", "distillation.layers"),
    needs=_NEEDS,
    weight=30.0,
)
