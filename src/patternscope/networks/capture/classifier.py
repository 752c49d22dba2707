"""The layer that gives the logits of a forward pass, whose input is the sample feature."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import modules_of
from patternscope.networks.capture.hooks import hooked
from patternscope.networks.capture.layers import resolve_names
from patternscope.networks.capture.layouts import first_tensor
from patternscope.networks.models.heads import ProbeHead
from patternscope.networks.models.normalised import head_of

_ADVICE = (
    "make a head computed by hand (F.linear) an nn.Linear, or name with sample_layer the module whose input is the "
    "sample feature"
)
_CLOSE = 1e-2  # of the largest logit: half precision is no more accurate


class HeadCall(NamedTuple):
    """A call of a layer that may give the logits; the output of a single linear layer is a copy, else None."""

    name: str
    module: nn.Module
    features: Tensor
    output: Tensor | None = None


@contextmanager
def head_calls(model: nn.Module, layer: str | None) -> Iterator[list[HeadCall]]:
    """Give a list that a run within the block fills with the calls whose outputs may be the logits.

    Only the named layer, or a probe; else every linear layer with one row per image and, at the end, the last linear
    layer of any kind, or a convolution if there is no linear one.
    """
    named = None if layer is None else resolve_names(model, [layer])[layer]
    head = head_of(model)
    if isinstance(head, ProbeHead):
        named = "probe"
    kept: list[HeadCall] = []
    last: list[HeadCall] = []

    def on_call(name: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        features = first_tensor(inputs)
        if features is None:
            return
        if named is not None:
            if name == named:
                kept[:] = [HeadCall(name, module, features.clone())]  # it may change its input in place
            return
        linear = isinstance(module, nn.Linear)
        if linear or not (last and isinstance(last[0].module, nn.Linear)):
            last[:] = [HeadCall(name, module, features)]
        if linear and isinstance(output, Tensor) and output.ndim == 2:
            kept.append(HeadCall(name, module, features.clone(), output.clone()))

    modules = {"probe": head.linear} if isinstance(head, ProbeHead) else modules_of(model, [named] if named else [])
    with hooked(modules, on_call):
        yield kept
        kept += last


def heads_of(calls: list[HeadCall], logits: Tensor, layer: str | None) -> list[HeadCall]:
    """Return the call whose output is the logits, or the calls whose mean output is the logits.

    If there is no such linear layer, return the last one, whose output is averaged over regions or tokens, or scaled.
    InputError if several layers have as many outputs as there are logits but the logits are neither one of these nor
    their mean, if the last layer has another number of outputs, or if there is no layer.
    """
    if not calls:
        raise InputError(f"model: expected a linear layer that gives the logits, got none; {_ADVICE}")
    if layer is not None:
        return calls
    alike = [call for call in calls if call.output is not None and call.output.shape == logits.shape]
    equal = [call for call in alike if call.output is not None and _is_close(call.output, logits)]
    if equal:
        return equal[-1:]
    if len(alike) > 1:
        outputs = [call.output.float() for call in alike if call.output is not None]
        if not _is_close(torch.stack(outputs).mean(dim=0), logits):
            raise _several(alike)
        return alike
    _check_outputs(calls[-1].module, logits.shape[1])
    return calls[-1:]


def _is_close(output: Tensor, logits: Tensor) -> bool:
    """Tell whether an output is the logits."""
    known = logits.to(output.device, torch.float32)
    scale = float(known.abs().max())
    return bool(((output.float() - known).abs() <= _CLOSE * scale).all())


def _several(alike: list[HeadCall]) -> InputError:
    """Return the error for layers that do not give the logits."""
    names = ", ".join(repr(call.name) for call in alike)
    return InputError(
        f"model: expected one linear layer that gives the logits, or several of which they are the mean, got {names}; "
        "name with sample_layer the module whose input is the sample feature"
    )


def _check_outputs(classifier: nn.Module, classes: int) -> None:
    """Raise unless a layer has as many outputs as there are logits."""
    outputs = getattr(classifier, "out_features", getattr(classifier, "out_channels", None))
    if outputs != classes:
        raise InputError(
            f"model: expected as many logits as its last linear layer has outputs, {outputs}, got {classes} in the "
            f"first tensor of its output; return the logits first, or under the key 'logits'; {_ADVICE}"
        )
