"""Networks that know less: with the top drawn anew, or trained on labels that mean nothing."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from evidence.recording import sample_pixels, trained_network
from evidence.studies import EvidenceStudy
from patternscope.errors import InputError
from patternscope.networks import Normalised, evaluate, recompute_batch_statistics, reinitialised, train
from patternscope.results.study import StoredResults
from patternscope.study.network_factory import study_network

SEED = 1


def reinitialised_from_the_top(study: EvidenceStudy, results: StoredResults) -> Iterator[tuple[str, Normalised]]:
    """Yield the trained network with more and more of it drawn anew, from above the last layer down to all of it.

    Batch statistics of what is new are those of the samples: under those of a beginning the activations vanish.
    """
    network, pixels = trained_network(study, results), sample_pixels(results)
    new = reinitialised(network, SEED)
    for last_kept in (*reversed(study.layers), None):
        kept = {} if last_kept is None else state_up_to(network, last_kept)
        mixed = reinitialised(network, SEED)
        mixed.load_state_dict({**new.state_dict(), **kept})
        recompute_batch_statistics(mixed, pixels)
        mixed.load_state_dict({**mixed.state_dict(), **kept})
        yield "all" if last_kept is None else f"above {last_kept}", mixed.eval()


def state_up_to(network: nn.Module, layer: str) -> dict[str, Tensor]:
    """Return the weights and buffers of a network's modules from the first to a layer, in the order of definition.

    Of these networks that is the order of computation. InputError for a layer that the network does not have.

    >>> sorted(state_up_to(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)), "0"))
    ['0.bias', '0.weight']
    """
    own = [name for name, module in network.named_modules() if not list(module.children())]
    inside = [place for place, name in enumerate(own) if f".{name}.".find(f".{layer}.") >= 0]
    if not inside:
        raise InputError(f"layer: expected a module of the network, got {layer!r}")
    kept = own[: inside[-1] + 1]
    return {key: value for key, value in network.state_dict().items() if key.rpartition(".")[0] in kept}


def trained_on_shuffled_labels(study: EvidenceStudy, results: StoredResults) -> tuple[Normalised, float]:
    """Return the network trained as the study trains it, on labels permuted over the images; and its training accuracy.

    The accuracy is that on the permuted labels.
    """
    settings, images = study.settings(), results.images.train
    if images is None:
        raise InputError(f"{study.name}: expected images to train on, got none")
    network = study_network(settings.network, settings.images, len(results.classes), seed=study.seed)
    order = torch.randperm(len(images.labels), generator=torch.Generator().manual_seed(SEED))
    labels, pixels = images.labels[order], images.images[:]
    network.load_state_dict(train(network, pixels, labels, settings.training, seed=study.seed).network)
    return network.eval(), evaluate(network, pixels, labels).accuracy
