"""What a study's network starts from, and what will happen to it, in words."""

import torch

from patternscope.networks.models.huggingface import PREFIX
from patternscope.results.training import Start
from patternscope.settings.core import NetworkSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import checkpoint_files, study_network

AS_THEY_ARE: dict[Start | None, str] = {
    "weights": "given weights",
    "published": "published weights",
    "factory": "as built",
    None: "untrained",
}
"""The description of a network whose weights are analysed unchanged, by their origin."""


def start_of(settings: StudySettings, classes: int, seed: int) -> Start | None:
    """Return the origin of a network's weights that are not in a file of the study's checkpoints.

    None for random weights. Cost: a user's factory is called twice.
    """
    if settings.network.fine_tune:
        return "weights"
    if settings.network.pretrained:
        return "published"
    if settings.network.architecture.startswith(PREFIX):
        return "factory"
    return "factory" if returns_weights(settings.network, settings.images, classes, seed) else None


def returns_weights(network: NetworkSettings, images: ImagesSettings, classes: int, seed: int) -> bool:
    """Tell whether a user's factory returns weights that do not depend on the seed, which are then trained ones.

    One layer may depend on it, such as a new head. Biases and scales do not count, since they start alike anyway.
    """
    name, colon, _ = network.architecture.partition(":")
    if not colon or name == "timm":
        return False
    one, other = (study_network(network, images, classes, each) for each in (seed, seed + 1))
    pairs = [(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True) if a.ndim > 1]
    return len(pairs) > 1 and sum(torch.equal(a, b) for a, b in pairs) >= len(pairs) - 1


def beginning(settings: StudySettings, classes: int) -> str:
    """Return in a clause what will happen to a study's network; InputError if it cannot be built.

    >>> beginning(StudySettings(), 10)
    'trains vgg16_slim from scratch: 10 epochs, learning rate up to 0.004'
    """
    network, training, folder = settings.network, settings.training, settings.checkpoints.folder
    if folder is not None:
        count = len(checkpoint_files(folder))
        return f"analyses {f'the {count} networks' if count > 1 else 'the network'} in {folder} as they are"
    if network.weights is not None and not network.fine_tune:
        return f"analyses the weights of {network.weights} as they are"
    start = start_of(settings, classes, settings.seed)
    sources: dict[Start, str] = {
        "weights": f"the weights of {network.weights}",
        "published": f"the published weights of {network.architecture}",
        "factory": f"the weights that {network.architecture} returns",
    }
    if training.epochs == 0:
        return f"analyses {f'{network.architecture} untrained' if start is None else f'{sources[start]} as they are'}"
    how = f"{training.epochs} epoch{'s' * (training.epochs > 1)}, learning rate up to {training.maximum_lr:g}"
    if start is None:
        return f"trains {network.architecture} from scratch: {how}"
    instead = "; [training] epochs = 0 analyses them as they are"
    return f"fine-tunes from {sources[start]}: {how}{instead}"
