"""Recording what chosen layers do with images, batch by batch, in one forward pass each."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.borrowing import borrowed, device_of, dtype_of, observed
from patternscope.networks.calling import checked_images, images_at_once, run_for_logits
from patternscope.networks.layers import find_layer, list_layers, resolve_names
from patternscope.networks.layouts import Grid, LayoutFinder, as_pixels, first_tensor
from patternscope.networks.wrapping import inner_network


@dataclass(frozen=True)
class Recording:
    """What a network did with n images; all on the CPU, float32 (float64 from a float64 network).

    regional_features: layer name -> (n, k, h, w); sample_features: (n, d), from which the logits are linear;
    logits: (n, c). Source: Sec. 3.1 and 3.3.
    """

    regional_features: dict[str, Tensor]
    sample_features: Tensor
    logits: Tensor


def record(
    model: nn.Module,
    images: Tensor | Iterable[Any],
    layers: Sequence[str],
    grid: int | Grid | None = None,
    *,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    sample_layer: str | None = None,
) -> Recording:
    """Record regional features of layers, sample features and logits of all images, in memory.

    For more than fits, use `record_batches`, which takes the same arguments and documents them.
    Source: this project. Cost: one forward pass a batch.

    >>> from patternscope.networks import build_network
    >>> found = record(build_network("vgg16_slim", classes=10), torch.zeros(4, 3, 64, 64), ["conv_53"])
    >>> tuple(found.regional_features["conv_53"].shape[-2:]), tuple(found.logits.shape)
    ((8, 8), (4, 10))
    """
    batches = record_batches(
        model, images, layers, grid, batch_size=batch_size, device=device, sample_layer=sample_layer
    )
    if isinstance(images, Tensor):
        return _gather(batches, len(images))
    found = list(batches)
    if not found:
        raise InputError("images: saw no batch, wanted at least one")
    return Recording(
        {name: torch.cat([each.regional_features[name] for each in found]) for name in layers},
        torch.cat([each.sample_features for each in found]),
        torch.cat([each.logits for each in found]),
    )


def record_batches(
    model: nn.Module,
    images: Tensor | Iterable[Any],
    layers: Sequence[str],
    grid: int | Grid | None = None,
    *,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    sample_layer: str | None = None,
) -> Iterator[Recording]:
    """Record batch by batch: the model runs once a batch, and only one batch is in memory.

    Between batches, and after an exception, the model is as found: no hook, its own train/eval flags, its
    device.

    Args:
        model: any network that returns (n, c) logits; wrapped by Normalised it takes pixels in [0, 1].
        images: (n, channels, h, w), float as the model wants them or uint8 (divided by 255); or an iterable
            of such batches, or of (batch, ...) tuples as a DataLoader yields, whose sizes are kept.
        layers: names from `list_layers`; `name@2` for a module's second call.
        grid: regions wanted, n or (h, w): maps are averaged down to it (adaptive average pooling). A side
            that is smaller already stays as it is: nothing is ever enlarged. None keeps every layer's own
            grid.
        batch_size: images at a time; by default 64, fewer when they are larger than 111 pixels.
        device: where to run; another device than the model's own runs a copy. None: the model's own.
        sample_layer: the module whose input is the sample feature; by default the last linear layer.

    Source: this project.

    Raises:
        InputError: an unknown layer, one without a region grid, images of a wrong shape or none, features
            that are not finite, or no linear layer from whose input the logits come.
    """
    resolve_names(model, layers if sample_layer is None else [*layers, sample_layer])
    size = _checked_grid(grid)
    if device is not None and torch.device(device) != device_of(model):
        model = copy.deepcopy(model).to(device)
    return _run(model, _batches(images, batch_size), list(layers), size, sample_layer)


def _run(
    model: nn.Module,
    batches: Iterator[Tensor],
    layers: list[str],
    grid: Grid | None,
    sample_layer: str | None,
) -> Iterator[Recording]:
    """Yield a recording a batch; nothing of ours is in the model while the caller holds one."""
    for batch in batches:
        taker = _Taker(model, batch, layers, grid, sample_layer)
        yield taker.recording()
        del taker


def _checked_grid(grid: int | Grid | None) -> Grid | None:
    """Return the grid as (h, w)."""
    size = (grid, grid) if isinstance(grid, int) else grid
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise InputError(f"grid: saw {grid!r}, wanted a positive number or a pair (h, w) of them")
    return size


def _batches(images: Tensor | Iterable[Any], batch_size: int | None) -> Iterator[Tensor]:
    """Cut a tensor into batches, or take the images out of the batches given."""
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: saw {batch_size}, wanted at least 1")
    if not isinstance(images, Tensor):
        return (checked_images(each[0] if isinstance(each, tuple | list) else each) for each in images)
    checked_images(images)
    return iter(images.split(batch_size or images_at_once(images)))


class _NoGridError(Exception):
    """A layer's output has no region grid; the text is the layer's name."""


@dataclass
class _Taker:
    """Takes what is wanted out of one forward pass."""

    model: nn.Module
    images: Tensor
    layers: list[str]
    grid: Grid | None
    sample_layer: str | None
    features: dict[str, Tensor] = field(default_factory=dict)
    classifier: tuple[nn.Module, Tensor] | None = None

    def __post_init__(self) -> None:
        self.finder = LayoutFinder(len(self.images), (self.images.shape[2], self.images.shape[3]))
        self.asked: dict[str, list[str]] = {}  # a name and its alias are the same call
        for asked, call in resolve_names(self.model, self.layers).items():
            self.asked.setdefault(call, []).append(asked)
        named = [self.sample_layer] if self.sample_layer is not None else []
        self.sample_call = next(iter(resolve_names(self.model, named).values()), None)

    def recording(self) -> Recording:
        """Run the model once and return what it did."""
        inner = inner_network(self.model)
        pixels = as_pixels(self.images, device_of(inner), dtype_of(inner))
        try:
            with borrowed(self.model), observed(self._modules(inner), self._take):
                logits = run_for_logits(self.model, pixels)
        except _NoGridError as error:
            find_layer(str(error), list_layers(self.model, self.images[:2]))
            raise InputError(f"layer {str(error)!r} has no region grid for these images") from error
        logits = _checked_finite("model: logits", _wide(logits).cpu().clone())
        self._check_all_called()
        features = {name: self.features[name] for name in self.layers}
        return Recording(features, self._sample_features(logits), logits)

    def _modules(self, inner: nn.Module) -> dict[str, nn.Module]:
        """Return the modules to observe: the layers, and those that tell layouts and the classifier."""
        wanted = {call.partition("@")[0] for call in (*self.asked, self.sample_call or "")}
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
        if call in self.asked:
            self.features |= dict.fromkeys(self.asked[call], self._regional(call, tensor))
        if inputs and isinstance(inputs[0], Tensor) and self._may_classify(call, module):
            self.classifier = (module, inputs[0].clone() if self.sample_call else inputs[0])

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
        features = _pooled(_wide(layout.regional(output.detach())), self.grid).cpu().contiguous()
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
            raise InputError("model: saw no linear layer that gives the logits; name one with sample_layer")
        module, features = self.classifier
        outputs = getattr(module, "out_features", getattr(module, "out_channels", None))
        if self.sample_call is None and outputs != logits.shape[1]:
            raise InputError(
                f"model: its last linear layer gives {outputs} numbers, its logits have {logits.shape[1]}; "
                "name the layer whose input is the sample feature with sample_layer"
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


def _gather(batches: Iterator[Recording], count: int) -> Recording:
    """Put batches into tensors of the final size, which needs half the memory of joining them."""
    whole: Recording | None = None
    start = 0
    for part in batches:
        if whole is None:
            whole = _empty_like(part, count)
        stop = start + len(part.logits)
        for name, features in part.regional_features.items():
            whole.regional_features[name][start:stop] = features
        whole.sample_features[start:stop] = part.sample_features
        whole.logits[start:stop] = part.logits
        start = stop
    if whole is None:
        raise InputError("images: saw none, wanted at least one")
    return whole


def _empty_like(part: Recording, count: int) -> Recording:
    """Return a recording of `count` images to be filled."""
    return Recording(
        {name: each.new_empty(count, *each.shape[1:]) for name, each in part.regional_features.items()},
        part.sample_features.new_empty(count, *part.sample_features.shape[1:]),
        part.logits.new_empty(count, *part.logits.shape[1:]),
    )
