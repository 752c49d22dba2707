"""Networks by name: the built-in slim VGG-16, torchvision's, timm's, Hugging Face's, or a user's factory."""

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
from patternscope.factories import call_offered, import_factory
from patternscope.networks.capture.hooks import borrowed, isolate_random_state
from patternscope.networks.models.huggingface import build_huggingface, model_folder
from patternscope.networks.models.normalised import call_once
from patternscope.networks.models.pretrained import load_pretrained, no_published_weights, timm_pretrained
from patternscope.networks.models.vgg import SlimVGG

Arguments = dict[str, Any]

_LEAST = {"classes": 2, "channels": 1, "image_size": 32}


def build_network(
    architecture: str,
    *,
    classes: int | None,
    channels: int = 3,
    image_size: int = 64,
    seed: int = 0,
    arguments: Mapping[str, Any] | None = None,
    pretrained: bool = False,
    folder: Path | None = None,
    backbone: bool = False,
) -> nn.Module:
    """Build a network on the CPU, untrained or with published weights; the same seed gives the same weights.

    `architecture` is "vgg16_slim", a torchvision classification model ("resnet18", "vgg16_bn", "vit_b_16"), a
    timm model (also "timm:name"; extra `zoo`), or "package.module:factory", which is looked for in `folder`
    first, or "huggingface:FOLDER", a model of transformers (extra `huggingface`) in a folder, relative to `folder`. The
    network is built for a number of classes (None: its default) and of input channels. A factory is called with
    `arguments`, and with `classes` or `num_classes`, `channels`, `image_size` where its signature names them. With
    `pretrained`, the weights are those published by torchvision or timm, or those in a folder of Hugging Face, except
    for a last layer with other classes and a first layer with other channels. With `backbone`, a model of Hugging Face
    has no classifier; `without_classifier` removes those of others. The global random state is restored.

    Raises:
        InputError: an unknown name, a factory that fails or returns no network, arguments or an image size
            that the network does not take, published weights that cannot be loaded.

    >>> build_network("vgg16_slim", classes=10).classifier.out_features
    10
    """
    size = {"classes": classes, "channels": channels, "image_size": image_size}
    for name, value in size.items():
        if value is not None and value < _LEAST[name]:
            raise InputError(f"{name}: expected at least {_LEAST[name]}, got {value}")
    known = {name: value for name, value in size.items() if value is not None}
    given = dict(arguments or {})
    with isolate_random_state(seed=seed), torch.device("cpu"):
        builder = _find_builder(architecture, pretrained, folder, backbone)
        try:
            network = builder(architecture, known, given)
        except InputError:
            raise
        except Exception as error:  # a factory's own code may raise anything
            raise InputError(
                f"architecture {architecture!r}: expected a network for {_counted(classes)} and images of "
                f"{image_size} pixels with arguments {given}, got {fault(error)}"
            ) from error
        if not isinstance(network, nn.Module):
            kind = type(network).__name__
            raise InputError(f"architecture {architecture!r}: expected a torch.nn.Module, got {kind}")
        _give_sizes(network, torch.zeros(2, channels, image_size, image_size))
    return network


def architectures() -> list[str]:
    """List the names of networks that need only torchvision, and the built-in one.

    >>> {"vgg16_slim", "vgg16_bn", "resnet18", "mobilenet_v2"} <= set(architectures())
    True
    """
    import torchvision

    return ["vgg16_slim", *torchvision.models.list_models(module=torchvision.models)]


def without_classifier(network: nn.Module) -> nn.Module:
    """Return a network of torchvision or timm without its classifier; any other unchanged.

    InputError for a network of torchvision without a linear layer at its end.
    """
    package = type(network).__module__.partition(".")[0]
    if package == "timm" and callable(reset := getattr(network, "reset_classifier", None)):
        reset(0)
    elif package == "torchvision":
        linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
        if not linear:
            kind = type(network).__name__
            raise InputError(f'network.head = "probe": expected a network that ends with a linear layer, got {kind}')
        network.set_submodule(linear[-1], nn.Identity())
    return network


def _counted(classes: int | None) -> str:
    """The arguments for a number of classes, or none for the network's default."""
    return "its own classes" if classes is None else f"{classes} classes"


def _give_sizes(network: nn.Module, images: Tensor) -> None:
    """Run a network with lazy modules once, since these take their sizes from their first input."""
    if any(is_lazy(tensor) for tensor in (*network.parameters(), *network.buffers())):
        with borrowed(network):
            call_once(network, images)


def _find_builder(
    architecture: str, pretrained: bool, folder: Path | None, backbone: bool
) -> Callable[[str, Mapping[str, int], Arguments], Any]:
    """Choose the function that builds a network of this name."""
    models = model_folder(architecture, folder)
    if models is not None:
        return partial(_build_huggingface, models, pretrained, backbone)
    from_timm = architecture.startswith("timm:")
    own = architecture == "vgg16_slim" or (":" in architecture and not from_timm)
    if own and pretrained:
        raise no_published_weights(architecture)
    if own:
        return _build_slim if architecture == "vgg16_slim" else partial(_build_own, folder)
    build = _build_torchvision if architecture in architectures() and not from_timm else _build_timm
    return partial(build, pretrained=pretrained)


def _build_slim(_: str, size: Mapping[str, int], arguments: Arguments) -> nn.Module:
    """Build the built-in network."""
    given = {**{name: size[name] for name in ("classes", "channels") if name in size}, **arguments}
    if "classes" not in given:
        raise InputError("network.arguments: expected vgg16_slim's number of outputs, such as { classes = 10 }")
    return SlimVGG(**given)


def _build_huggingface(
    models: Path, pretrained: bool, backbone: bool, _: str, size: Mapping[str, int], arguments: Arguments
) -> nn.Module:
    """Build a model of Hugging Face."""
    classes = size.get("classes")
    return build_huggingface(models, classes=classes, arguments=arguments, trained=pretrained, backbone=backbone)


def _build_own(folder: Path | None, name: str, size: Mapping[str, int], arguments: Arguments) -> Any:
    """Call a user's factory."""
    with import_factory(name, folder, "architecture") as factory:
        offered = {**size, "num_classes": size["classes"]} if "classes" in size else size
        return call_offered(factory, offered, arguments)


def _build_torchvision(name: str, size: Mapping[str, int], arguments: Arguments, *, pretrained: bool) -> nn.Module:
    """Build a torchvision classification model, with the image size if it needs one."""
    import torchvision

    given: Arguments = {"weights": None}
    if "classes" in size:
        given["num_classes"] = size["classes"]
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
    """Replace the first convolution if the images have another number of channels."""
    name = next((name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)), "")
    first = network.get_submodule(name)
    if isinstance(first, nn.Conv2d) and first.in_channels != channels:
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, _with_channels(first, channels))


def _with_channels(conv: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return a newly initialised convolution like this one, for other input channels."""
    same: Arguments = {name: getattr(conv, name) for name in ("kernel_size", "stride", "padding")}
    fresh = nn.Conv2d(channels, conv.out_channels, bias=conv.bias is not None, **same)
    nn.init.kaiming_normal_(fresh.weight, mode="fan_out", nonlinearity="relu")
    if fresh.bias is not None:
        nn.init.zeros_(fresh.bias)
    return fresh


def _build_timm(architecture: str, size: Mapping[str, int], arguments: Arguments, *, pretrained: bool) -> nn.Module:
    """Build a timm model, with the image size if it accepts one."""
    name = architecture.removeprefix("timm:")
    if importlib.util.find_spec("timm") is None:
        extra = "; timm's models need the extra: pip install 'patternscope[zoo]'"
        raise _unknown(architecture, nearest(name, architectures()) + extra)
    import timm  # pyright: ignore[reportMissingImports]

    if not timm.is_model(name):
        raise _unknown(architecture, nearest(name, [*architectures(), *timm.list_models()]))
    given: Arguments = {"in_chans": size["channels"]}
    if "classes" in size:
        given["num_classes"] = size["classes"]
    if "img_size" in _constructor_names(timm.model_entrypoint(name)):
        given["img_size"] = size["image_size"]
    given |= arguments
    return timm_pretrained(name, given) if pretrained else timm.create_model(name, pretrained=False, **given)


def _unknown(architecture: str, hint: str) -> InputError:
    """Return the error for an unknown architecture."""
    return InputError(f"architecture: expected vgg16_slim, a torchvision or a timm model, got {architecture!r}; {hint}")


def _constructor_names(entrypoint: Callable[..., Any]) -> set[str]:
    """Return the argument names of the class that a timm entry point is annotated to return, and of its bases."""
    returned = inspect.signature(entrypoint, eval_str=True).return_annotation
    bases = inspect.getmro(returned) if inspect.isclass(returned) else ()
    return {name for base in bases for name in inspect.signature(base.__init__).parameters}
