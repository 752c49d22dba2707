"""All that touches a network: building, listing its layers, recording, training, distilling, attacking it."""

from patternscope.networks.attack import pgd_steps
from patternscope.networks.calling import images_at_once
from patternscope.networks.device import parse_device, resolve_device
from patternscope.networks.distillation import Student, distil_features, distil_logits
from patternscope.networks.forward import Recording
from patternscope.networks.gradcam import grad_cam
from patternscope.networks.layers import Layer, find_layer, list_layers, suggest_layers
from patternscope.networks.pretrained import published_normaliser
from patternscope.networks.recorder import record, record_batches
from patternscope.networks.schedule import checkpoint_steps
from patternscope.networks.settings import TrainingSettings
from patternscope.networks.targets import attack_success, attack_targets, second_class
from patternscope.networks.training import (
    Evaluation,
    TrainingState,
    evaluate,
    load_state,
    save_state,
    total_steps,
    train,
)
from patternscope.networks.weights import load_weights, save_weights
from patternscope.networks.wrapping import IMAGENET_MEAN, IMAGENET_STD, Normalised
from patternscope.networks.zoo import architectures, build_network

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
