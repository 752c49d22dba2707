"""Networks by name: the built-in slim VGG-16, torchvision, timm, or a factory of the user's own."""

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from patternscope.errors import InputError, fault, nearest
from patternscope.factories import call_offered, found_factory
from patternscope.networks.capture.hooks import borrowed, own_random_state
from patternscope.networks.models.normalised import call_once
from patternscope.networks.models.pretrained import load_pretrained, timm_pretrained
from patternscope.networks.models.vgg import SlimVGG

Arguments = dict[str, Any]


def build_network(
    architecture: str,
    *,
    classes: int,
    channels: int = 3,
    image_size: int = 64,
    seed: int = 0,
    arguments: Mapping[str, Any] | None = None,
    pretrained: bool = False,
    folder: Path | None = None,
) -> nn.Module:
    """Build a network on the CPU, untrained or with published weights; the same seed gives the same weights.

    `architecture` is "vgg16_slim", a torchvision classification model ("resnet18", "vgg16_bn", "vit_b_16"), a
    timm model (also "timm:name"; extra `zoo`), or "package.module:factory", which is looked for in `folder`
    first. The number of classes and of input channels are the network's from the start. A factory is called
    with `arguments`, and with `classes` or `num_classes`, `channels`, `image_size` where its signature names
    them. With `pretrained` the weights are those that torchvision or timm publish, but for a last layer of
    other classes and a first one of other channels. The global random state is as found afterwards.

    Raises:
        InputError: an unknown name, a factory that fails or returns no network, arguments or an image size
            that the network does not take, published weights that cannot be had.

    >>> build_network("vgg16_slim", classes=10).classifier.out_features
    10
    """
    _check_sizes(classes, channels, image_size)
    size = {"classes": classes, "channels": channels, "image_size": image_size}
    with own_random_state(torch.device("cpu")), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        builder = _find_builder(architecture, pretrained, folder)
        try:
            network = builder(architecture, size, dict(arguments or {}))
        except InputError:
            raise
        except Exception as error:  # a factory's own code may raise anything
            raise InputError(
                f"architecture {architecture!r} cannot be built for {classes} classes and images of "
                f"{image_size} pixels with arguments {dict(arguments or {})}: {fault(error)}"
            ) from error
        if not isinstance(network, nn.Module):
            raise InputError(
                f"architecture {architecture!r}: saw {type(network).__name__}, wanted a torch.nn.Module"
            )
        _give_sizes(network, torch.zeros(2, channels, image_size, image_size))
    return network


def architectures() -> list[str]:
    """List the names that need nothing but torchvision.

    >>> {"vgg16_slim", "vgg16_bn", "resnet18", "mobilenet_v2"} <= set(architectures())
    True
    """
    import torchvision

    return ["vgg16_slim", *torchvision.models.list_models(module=torchvision.models)]


def _give_sizes(network: nn.Module, images: Tensor) -> None:
    """Run a network that has lazy modules once: these take their sizes from what they see first."""
    if any(is_lazy(each) for each in (*network.parameters(), *network.buffers())):
        with borrowed(network):
            call_once(network, images)


def _check_sizes(classes: int, channels: int, image_size: int) -> None:
    """Raise for sizes no network can have."""
    for name, value, least in (
        ("classes", classes, 2),
        ("channels", channels, 1),
        ("image_size", image_size, 32),
    ):
        if value < least:
            raise InputError(f"{name}: saw {value}, wanted at least {least}")


def _find_builder(
    architecture: str, pretrained: bool, folder: Path | None
) -> Callable[[str, Mapping[str, int], Arguments], Any]:
    """Choose who builds a network of this name."""
    from_timm = architecture.startswith("timm:")
    own = architecture == "vgg16_slim" or (":" in architecture and not from_timm)
    if own and pretrained:
        raise InputError(
            f"network.pretrained: nobody publishes weights for {architecture!r}; set network.weights to a file"
        )
    if own:
        return _build_slim if architecture == "vgg16_slim" else partial(_build_own, folder)
    build = _build_torchvision if architecture in architectures() and not from_timm else _build_timm
    return partial(build, pretrained=pretrained)


def _build_slim(_: str, size: Mapping[str, int], arguments: Arguments) -> nn.Module:
    """Build the built-in network."""
    return SlimVGG(**{"classes": size["classes"], "channels": size["channels"], **arguments})


def _build_own(folder: Path | None, name: str, size: Mapping[str, int], arguments: Arguments) -> Any:
    """Call a factory of the user's own."""
    with found_factory(name, folder, "architecture") as factory:
        return call_offered(factory, {**size, "num_classes": size["classes"]}, arguments)


def _build_torchvision(
    name: str, size: Mapping[str, int], arguments: Arguments, *, pretrained: bool
) -> nn.Module:
    """Build a torchvision classification model; one that needs the image's size is told it."""
    import torchvision

    given: Arguments = {"weights": None, "num_classes": size["classes"]}
    if name.startswith("vit_"):
        given["image_size"] = size["image_size"]
    elif name.startswith("maxvit"):
        given["input_size"] = (size["image_size"], size["image_size"])
    elif name in ("googlenet", "inception_v3"):
        given |= {"aux_logits": False, "init_weights": True}
    network = torchvision.models.get_model(name, **{**given, **arguments})
    _adapt_channels(network, size["channels"])
    if pretrained:
        load_pretrained(network, name)
    return network


def _adapt_channels(network: nn.Module, channels: int) -> None:
    """Replace the first convolution by a fresh one when the images have other channels."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            if module.in_channels != channels:
                fresh = _with_channels(module, channels)
                parent, _, child = name.rpartition(".")
                setattr(network.get_submodule(parent), child, fresh)
            return


def _with_channels(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return a freshly started convolution like this one, for other input channels."""
    fresh = nn.Conv2d(
        channels,
        conv.out_channels,
        (conv.kernel_size[0], conv.kernel_size[1]),
        stride=(conv.stride[0], conv.stride[1]),
        padding=conv.padding if isinstance(conv.padding, str) else (conv.padding[0], conv.padding[1]),
        bias=conv.bias is not None,
    )
    nn.init.kaiming_normal_(fresh.weight, mode="fan_out", nonlinearity="relu")
    if fresh.bias is not None:
        nn.init.zeros_(fresh.bias)
    return fresh


def _build_timm(
    architecture: str, size: Mapping[str, int], arguments: Arguments, *, pretrained: bool
) -> nn.Module:
    """Build a timm model; one that takes the image's size is told it."""
    name = architecture.removeprefix("timm:")
    if importlib.util.find_spec("timm") is None:
        hint = nearest(name, architectures())
        raise InputError(
            f"architecture {architecture!r} is not vgg16_slim or a torchvision model: {hint}; "
            "timm's models need the extra: pip install 'patternscope[zoo]'"
        )
    import timm  # pyright: ignore[reportMissingImports]

    if not timm.is_model(name):
        hint = nearest(name, [*architectures(), *timm.list_models()])
        raise InputError(f"architecture {architecture!r} is unknown: {hint}")
    given: Arguments = {"num_classes": size["classes"], "in_chans": size["channels"]}
    sized = (
        {"img_size": size["image_size"]}
        if "img_size" in _constructor_names(timm.model_entrypoint(name))
        else {}
    )
    asked = {**given, **sized, **arguments}
    return timm_pretrained(name, asked) if pretrained else timm.create_model(name, pretrained=False, **asked)


def _constructor_names(entrypoint: Callable[..., Any]) -> set[str]:
    """Return the argument names of the class that a timm entry point says it returns, and of its bases."""
    returned = inspect.signature(entrypoint, eval_str=True).return_annotation
    bases = inspect.getmro(returned) if inspect.isclass(returned) else ()
    return {name for each in bases for name in inspect.signature(each.__init__).parameters}
