"""An untrained network: the same architecture with initial weights."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from patternscope.networks.capture.forward_pass import call_once, images_at_once
from patternscope.networks.capture.hooks import isolate_random_state
from patternscope.networks.device import pixels_for

Network = TypeVar("Network", bound=nn.Module)


def reinitialised(network: Network, seed: int = 0) -> Network:
    """Return a copy of a network with reinitialised weights; the network is left as found.

    Modules with `reset_parameters` are reinitialised, including their buffers; all other weights are shuffled, which
    keeps their spread. Source: the model randomisation of Adebayo et al., NeurIPS 2018.

    >>> layer = nn.Linear(2, 2)
    >>> bool((reinitialised(layer).weight == layer.weight).any())
    False
    """
    copy = deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with isolate_random_state(seed=seed), torch.no_grad():
        for module in copy.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                continue
            for weights in module.parameters(recurse=False):
                order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
                weights.copy_(weights.flatten()[order].view_as(weights))
    return copy


def recompute_batch_statistics(network: Network, images: Tensor) -> Network:
    """Set the running statistics of a network's batch normalisation to those of some images; returns the network.

    The initial statistics, 0 and 1, make the activations of a deep network vanish. Images (n, c, h, w) as
    `record` takes them, two or more; nothing is trained, and flags are not changed.

    >>> norm = nn.BatchNorm2d(1)
    >>> recompute_batch_statistics(norm, torch.full((4, 1, 1, 1), 3.0)).running_mean
    tensor([3.])
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    if not norms or len(images) < 2:
        return network
    kept = [(norm, norm.training, norm.momentum) for norm in norms]
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    try:
        with torch.no_grad(), isolate_random_state():
            # Equal batches: one of a single image may have no variance.
            for batch in images.chunk(-(-len(images) // max(2, images_at_once(images)))):
                call_once(network, pixels_for(network, batch))
    finally:
        for module, training in modes:
            module.training = training
        for norm, training, momentum in kept:
            norm.training, norm.momentum = training, momentum
    return network
