"""The number of class and register tokens of a transformer, if it declares them."""

from typing import Any

from torch import Tensor, nn

from patternscope.networks.capture.layouts import ExtraTokens, LayoutFinder
from patternscope.networks.models.normalised import Normalised, inner_network, unwrapped


def layout_finder(model: nn.Module, images: Tensor) -> LayoutFinder:
    """Return the finder of layouts of a model's outputs for images (n, channels, h, w)."""
    return LayoutFinder(len(images), (images.shape[2], images.shape[3]), extra_tokens(model))


def extra_tokens(model: nn.Module) -> ExtraTokens:
    """Return the tokens before and after a network's patches: those given with its normaliser, else those it declares.

    timm's networks have `num_prefix_tokens`, register tokens included; a config of Hugging Face's
    `num_register_tokens`, after one class token; your own network may have `num_suffix_tokens` as well.

    >>> network = nn.Identity()
    >>> network.num_prefix_tokens = 5
    >>> extra_tokens(Normalised(network, 0.5, 0.5)), extra_tokens(Normalised(network, 0.5, 0.5, suffix_tokens=4))
    (ExtraTokens(prefix=5, suffix=None), ExtraTokens(prefix=5, suffix=4))
    """
    wrapper = unwrapped(model)
    given = (wrapper.prefix_tokens, wrapper.suffix_tokens) if isinstance(wrapper, Normalised) else (None, None)
    own = _own_word(inner_network(model))
    return ExtraTokens(*(said if asked is None else asked for asked, said in zip(given, own, strict=True)))


def _own_word(network: nn.Module) -> tuple[int | None, int | None]:
    """Tokens before and after the patches, as declared by the network or the first part of it that does."""
    for module in network.modules():
        prefix, suffix = (_count(module, f"num_{side}_tokens") for side in ("prefix", "suffix"))
        registers = _count(getattr(module, "config", None), "num_register_tokens")
        if prefix is None and registers is not None:
            prefix = 1 + registers
        if (prefix, suffix) != (None, None):
            return prefix, suffix
    return None, None


def _count(owner: Any, name: str) -> int | None:
    """An attribute that is a number of tokens, None for anything else."""
    value = getattr(owner, name, None)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
