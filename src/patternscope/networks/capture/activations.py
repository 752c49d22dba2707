"""One forward pass, and what is taken out of it: regional features, sample features, logits."""

import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import run_for_logits
from patternscope.networks.capture.hooks import borrowed, device_of, dtype_of, observed
from patternscope.networks.capture.layers import find_layer, list_layers, resolve_names
from patternscope.networks.capture.layouts import Grid, LayoutFinder, as_pixels, first_tensor, keyed_tensors
from patternscope.networks.models.normalised import inner_network

Precision = Literal["float32", "bfloat16", "float16"]

_WAYS = (
    "make a head computed by hand (F.linear) an nn.Linear, or name with sample_layer the module whose input is the "
    "sample feature"
)


@dataclass(frozen=True)
class Recording:
    """What a network did with n images; all on the CPU, float32 (float64 from a float64 network).

    regional_features: layer name -> (n, k, h, w); sample_features: (n, d), from which the logits are linear;
    logits: (n, c). Source: Sec. 3.1 and 3.3.
    """

    regional_features: dict[str, Tensor]
    sample_features: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Wanted:
    """What to take out of a forward pass.

    Layers by name, the grid to which larger maps are averaged (None: their own), the module whose input is
    the sample feature (None: the last linear layer) and the precision of the network's arithmetic.
    """

    layers: tuple[str, ...]
    grid: Grid | None = None
    sample_layer: str | None = None
    precision: Precision = "float32"


def forward(model: nn.Module, images: Tensor, wanted: Wanted) -> Recording:
    """Run the model once on a batch of images and return what is wanted of it; the model is as found.

    InputError as `record_batches`.

    >>> forward(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.ones(3, 1, 2, 2), Wanted(())).logits.shape
    torch.Size([3, 2])
    """
    return _Taker(model, images, wanted).recording()


class _NoGridError(InputError):
    """A layer's output has no region grid; the text is the layer's name."""


@dataclass
class _Taker:
    """Takes what is wanted out of one forward pass."""

    model: nn.Module
    images: Tensor
    wanted: Wanted
    features: dict[str, Tensor] = field(default_factory=dict)
    classifier: tuple[nn.Module, Tensor] | None = None

    def __post_init__(self) -> None:
        self.finder = LayoutFinder(len(self.images), (self.images.shape[2], self.images.shape[3]))
        self.asked: dict[str, list[str]] = {}  # a name and its alias are the same call
        for asked, call in resolve_names(self.model, self.wanted.layers).items():
            self.asked.setdefault(call, []).append(asked)
        named = [self.wanted.sample_layer] if self.wanted.sample_layer is not None else []
        self.sample_call = next(iter(resolve_names(self.model, named).values()), None)

    def recording(self) -> Recording:
        """Run the model once and return what it did."""
        inner = inner_network(self.model)
        try:
            with borrowed(self.model), observed(self._modules(inner), self._take), self._arithmetic(inner):
                pixels = as_pixels(self.images, device_of(inner), dtype_of(inner))
                logits = run_for_logits(self.model, pixels)
        except _NoGridError as error:
            find_layer(str(error), list_layers(self.model, self.images[:2]))
            raise InputError(f"layer {str(error)!r} has no region grid for these images") from error
        logits = _checked_finite("model: logits", _wide(logits).cpu().clone())
        self._check_all_called()
        features = {name: self.features[name] for name in self.wanted.layers}
        return Recording(features, self._sample_features(logits), logits)

    def _arithmetic(self, inner: nn.Module) -> Any:
        """Return the context in which matrix products and convolutions have the precision asked for."""
        if self.wanted.precision == "float32":
            return nullcontext()
        return torch.autocast(device_of(inner).type, getattr(torch, self.wanted.precision))

    def _modules(self, inner: nn.Module) -> dict[str, nn.Module]:
        """Return the modules to observe: the layers, and those that tell layouts and the classifier."""
        wanted = {re.split("[@:]", call)[0] for call in (*self.asked, self.sample_call or "")}
        return {
            name: module
            for name, module in inner.named_modules(remove_duplicate=False)
            if name in wanted or isinstance(module, nn.Linear | nn.Conv2d)
        }

    def _take(self, call: str, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep a layer's regional features, and the input of what may be the classifier."""
        tensor = first_tensor(output)
        if tensor is None:
            return
        self.finder.see(module, tensor)
        for asked in self.asked:
            called, colon, key = asked.partition(":")
            if called == call:
                chosen = self._keyed(asked, output, key) if colon else tensor
                self.features |= dict.fromkeys(self.asked[asked], self._regional(asked, chosen))
        if inputs and isinstance(inputs[0], Tensor) and self._may_classify(call, module):
            self.classifier = (module, inputs[0].clone() if self.sample_call else inputs[0])

    def _keyed(self, asked: str, output: Any, key: str) -> Tensor:
        """Return the tensor under a key of an output that has several."""
        tensors = keyed_tensors(output)
        if key not in tensors:
            has = f"it has {', '.join(map(repr, tensors))}" if tensors else "it is a tensor alone"
            raise InputError(f"layer {self.asked[asked][0]!r}: its output has no {key!r}; {has}")
        return tensors[key]

    def _may_classify(self, call: str, module: nn.Module) -> bool:
        """Tell whether this input may be the sample feature: the named one, or the last linear yet."""
        if self.sample_call is not None:
            return call == self.sample_call
        seen_linear = self.classifier is not None and isinstance(self.classifier[0], nn.Linear)
        return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and not seen_linear)

    def _regional(self, call: str, output: Tensor) -> Tensor:
        """Return a copy of the output as (n, k, h, w) on the CPU, pooled to at most the grid wanted."""
        layout = self.finder.find(tuple(output.shape))
        if layout is None:
            raise _NoGridError(call)
        features = _pooled(_wide(layout.regional(output.detach())), self.wanted.grid).cpu().contiguous()
        if features.untyped_storage().data_ptr() == output.untyped_storage().data_ptr():
            features = features.clone()  # an in-place activation may follow
        return _checked_finite(f"layer {self.asked[call][0]!r}: regional features", features)

    def _check_all_called(self) -> None:
        """Raise when a layer did not run, or not as often as its call number says."""
        for call, (asked, *_) in self.asked.items():
            if asked not in self.features:
                raise InputError(
                    f"layer {asked!r}: {call!r} is not called when the network runs on these images"
                )

    def _sample_features(self, logits: Tensor) -> Tensor:
        """Return the classifier's input (n, d), averaged over regions or tokens when it has them."""
        if self.classifier is None:
            raise InputError(f"model: saw no linear layer that gives the logits; {_WAYS}")
        module, features = self.classifier
        outputs = getattr(module, "out_features", getattr(module, "out_channels", None))
        if self.sample_call is None and outputs != logits.shape[1]:
            raise InputError(
                f"model: its last linear layer gives {outputs} numbers, and the first tensor of its output, taken as "
                f"the logits, {logits.shape[1]}; return the logits first, or under the key 'logits'; {_WAYS}"
            )
        features = _wide(features).cpu()
        if features.ndim > 2:
            features = features.mean(
                dim=(2, 3) if isinstance(module, nn.Conv2d) else tuple(range(1, features.ndim - 1))
            )
        return _checked_finite("model: sample features", features.clone())


def _wide(features: Tensor) -> Tensor:
    """Return half precision as float32, and what MPS cannot pool on the CPU."""
    if features.device.type == "mps":
        features = features.cpu()
    return features.float() if features.dtype in (torch.float16, torch.bfloat16) else features


def _pooled(features: Tensor, grid: Grid | None) -> Tensor:
    """Average down to at most the grid; a side that is smaller stays."""
    height, width = features.shape[2:]
    wanted = (height, width) if grid is None else (min(grid[0], height), min(grid[1], width))
    return features if wanted == (height, width) else F.adaptive_avg_pool2d(features, wanted)


def _checked_finite(what: str, values: Tensor) -> Tensor:
    """Raise when there is NaN or inf."""
    if not bool(values.isfinite().all()):
        bad = int((~values.isfinite()).sum())
        raise InputError(
            f"{what} have {bad} of {values.numel()} numbers that are NaN or inf, wanted finite ones"
        )
    return values
