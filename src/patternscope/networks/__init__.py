"""Everything that runs a network: building it, listing its layers, recording, training, distilling and attacking it."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.networks.attacks.pgd import pgd_steps
    from patternscope.networks.attacks.targets import attack_success, attack_targets, second_class
    from patternscope.networks.capture.edited import edited_logits
    from patternscope.networks.capture.forward_pass import images_at_once
    from patternscope.networks.capture.gradcam import grad_cam
    from patternscope.networks.capture.layers import Layer, find_layer, list_layers
    from patternscope.networks.capture.receptive_field import receptive_field
    from patternscope.networks.capture.record import Recording, record, record_batches
    from patternscope.networks.capture.suggestion import suggest_layers
    from patternscope.networks.device import parse_device, resolve_device
    from patternscope.networks.models.build import architectures, build_network
    from patternscope.networks.models.normalised import IMAGENET_MEAN, IMAGENET_STD, Normalised
    from patternscope.networks.models.pretrained import published_normaliser
    from patternscope.networks.models.untrained import recompute_batch_statistics, reinitialised
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
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "attacks.pgd": ("pgd_steps",),
            "attacks.targets": ("attack_success", "attack_targets", "second_class"),
            "capture.edited": ("edited_logits",),
            "capture.forward_pass": ("images_at_once",),
            "capture.gradcam": ("grad_cam",),
            "capture.layers": ("Layer", "find_layer", "list_layers"),
            "capture.receptive_field": ("receptive_field",),
            "capture.record": ("Recording", "record", "record_batches"),
            "capture.suggestion": ("suggest_layers",),
            "device": ("parse_device", "resolve_device"),
            "models.build": ("architectures", "build_network"),
            "models.normalised": ("IMAGENET_MEAN", "IMAGENET_STD", "Normalised"),
            "models.pretrained": ("published_normaliser",),
            "models.untrained": ("recompute_batch_statistics", "reinitialised"),
            "models.weights": ("load_weights", "save_weights"),
            "settings": ("TrainingSettings",),
            "training.distillation": ("Student", "distil_features", "distil_logits"),
            "training.schedule": ("checkpoint_steps",),
            "training.train": (
                "Evaluation",
                "TrainingState",
                "evaluate",
                "load_state",
                "save_state",
                "total_steps",
                "train",
            ),
        },
    )
