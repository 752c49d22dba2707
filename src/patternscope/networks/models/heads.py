"""The head of a network: some of its outputs, or a linear probe on its features."""

from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.layouts import first_tensor
from patternscope.tensor_files import read_tensors, write_tensors

REST = -1
"""The index of a class that is everything but the other one: its logit is 0."""
# In an output with several tensors, the keys of the features of the whole image.
_POOLED = ("image_embeds", "pooler_output")


class ChosenOutputs(nn.Module):
    """Selects, from a network's `count` logits, those of the classes of the images, in their order.

    `outputs` has the index of each class among the logits, or REST. The logits 0 and z of a class and its rest have the
    probability sigmoid(z).

    >>> ChosenOutputs((2, 0), 3)(torch.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1.]])
    >>> ChosenOutputs((REST, 0), 1)(torch.tensor([[5.0]]))
    tensor([[0., 5.]])
    """

    places: Tensor

    def __init__(self, outputs: tuple[int, ...], count: int) -> None:
        super().__init__()
        self.outputs, self.count = tuple(outputs), count
        self.register_buffer("places", torch.tensor([place % (count + 1) for place in outputs]), persistent=False)

    def forward(self, output: Any) -> Tensor:
        """Return the logits (n, c) of the classes from a network's output, which contains logits (n, count)."""
        logits = first_tensor(output)
        if logits is None or logits.ndim != 2 or logits.shape[1] != self.count:
            shape = "no tensor" if logits is None else f"an output of shape {tuple(logits.shape)}"
            raise InputError(f"network: expected logits (n, {self.count}), got {shape}")
        return torch.cat([logits, logits.new_zeros(len(logits), 1)], dim=1)[:, self.places]


class ProbeHead(nn.Module):
    """A linear probe on a network's features: weight (c, d), bias (c,).

    >>> ProbeHead(torch.ones(2, 3), torch.zeros(2))(torch.ones(1, 3, 4, 4)).tolist()
    [[3.0, 3.0]]
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.linear.weight.copy_(weight)
            self.linear.bias.copy_(bias)

    def forward(self, output: Any) -> Tensor:
        """Return the logits (n, c) of a network's output."""
        return self.linear(image_features(output).to(self.linear.weight.dtype))


Head: TypeAlias = ChosenOutputs | ProbeHead


class Headed(nn.Module):
    """A network with a head; users see the layer names of the network inside.

    >>> Headed(nn.Flatten(), ChosenOutputs((1, 0), 2))(torch.tensor([[[1.0, 2.0]]]))
    tensor([[2., 1.]])
    """

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, c) of images."""
        return self.head(self.network(images))


def image_features(output: Any) -> Tensor:
    """Return the features (n, d) of images in a network's output: maps and tokens are averaged.

    InputError if it contains no tensor (n, d), (n, tokens, d) or (n, d, h, w).

    >>> image_features({"last_hidden_state": torch.ones(2, 5, 3)}).shape
    torch.Size([2, 3])
    """
    named = next((output[name] for name in _POOLED if isinstance(output, dict) and output.get(name) is not None), None)
    features = first_tensor(output if named is None else named)
    if features is None or features.ndim not in (2, 3, 4):
        shape = "no tensor" if features is None else f"an output of shape {tuple(features.shape)}"
        raise InputError(f"network: expected features (n, d), (n, tokens, d) or (n, d, h, w), got {shape}")
    if features.ndim == 4:
        return features.mean(dim=(2, 3))
    return features if features.ndim == 2 else features.mean(dim=1)


def save_head(head: Head, path: Path) -> None:
    """Write a head as safetensors."""
    if isinstance(head, ProbeHead):
        write_tensors({"weight": head.linear.weight.detach(), "bias": head.linear.bias.detach()}, path)
    else:
        write_tensors({"outputs": torch.tensor(head.outputs), "count": torch.tensor([head.count])}, path)


def load_head(path: Path) -> Head:
    """Return the head that `save_head` wrote.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_head(ChosenOutputs((4, 2), 5), Path(folder) / "head.safetensors")
    ...     load_head(Path(folder) / "head.safetensors").outputs
    (4, 2)
    """
    tensors = read_tensors(path)
    if "weight" in tensors:
        return ProbeHead(tensors["weight"], tensors["bias"])
    return ChosenOutputs(tuple(tensors["outputs"].tolist()), int(tensors["count"]))
