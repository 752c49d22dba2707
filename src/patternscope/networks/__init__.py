"""All that touches a network: building, listing its layers, recording, training, distilling, attacking it."""

from patternscope.networks.attacks.pgd import pgd_steps
from patternscope.networks.attacks.targets import attack_success, attack_targets, second_class
from patternscope.networks.capture.activations import Recording
from patternscope.networks.capture.forward_pass import images_at_once
from patternscope.networks.capture.gradcam import grad_cam
from patternscope.networks.capture.layers import Layer, find_layer, list_layers, suggest_layers
from patternscope.networks.capture.record import record, record_batches
from patternscope.networks.device import parse_device, resolve_device
from patternscope.networks.models.build import architectures, build_network
from patternscope.networks.models.normalised import IMAGENET_MEAN, IMAGENET_STD, Normalised
from patternscope.networks.models.pretrained import published_normaliser
from patternscope.networks.models.weights import load_weights, save_weights
from patternscope.networks.settings import TrainingSettings
from patternscope.networks.training.distillation import Student, distil_features, distil_logits
from patternscope.networks.training.schedule import checkpoint_steps
from patternscope.networks.training.train import (
    Evaluation,
    TrainingState,
    evaluate,
    load_state,
    save_state,
    total_steps,
    train,
)

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Evaluation",
    "Layer",
    "Normalised",
    "Recording",
    "Student",
    "TrainingSettings",
    "TrainingState",
    "architectures",
    "attack_success",
    "attack_targets",
    "build_network",
    "checkpoint_steps",
    "distil_features",
    "distil_logits",
    "evaluate",
    "find_layer",
    "grad_cam",
    "images_at_once",
    "list_layers",
    "load_state",
    "load_weights",
    "parse_device",
    "pgd_steps",
    "published_normaliser",
    "record",
    "record_batches",
    "resolve_device",
    "save_state",
    "save_weights",
    "second_class",
    "suggest_layers",
    "total_steps",
    "train",
]
