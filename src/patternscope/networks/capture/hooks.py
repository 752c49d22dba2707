"""A network is borrowed: flags, random state and hooks are as found when it is given back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from patternscope.autograd_modes import isolate_autograd
from patternscope.errors import InputError

Call = Callable[[str, nn.Module, tuple[Any, ...], Any], Any]


def device_of(model: nn.Module) -> torch.device:
    """Return the device of the model's first parameter or buffer, the CPU when it has none.

    >>> device_of(nn.Linear(1, 1))
    device(type='cpu')
    """
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return torch.device("cpu")


def dtype_of(model: nn.Module) -> torch.dtype:
    """Return the floating type of the model's first such parameter, float32 when it has none.

    >>> dtype_of(nn.Linear(1, 1).bfloat16())
    torch.bfloat16
    """
    for tensor in model.parameters():
        if tensor.is_floating_point():
            return tensor.dtype
    return torch.float32


@contextmanager
def own_random_state(device: torch.device) -> Iterator[None]:
    """Keep what happens inside from moving the caller's random state, on the CPU and on `device`.

    >>> before = torch.get_rng_state()
    >>> with own_random_state(torch.device("cpu")):
    ...     _ = torch.rand(3)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
    else:
        index = torch.accelerator.current_device_index() if device.index is None else device.index
        with torch.random.fork_rng(devices=[index], device_type=device.type):
            yield


@contextmanager
def borrowed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; every module's flag and the random state come back as found.

    The flags are set one by one: a module's own `train` may do more than set its flag. The caller's inference
    mode and autocast stay outside (`isolate_autograd`), so what goes in is made inside.

    >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with borrowed(model):
    ...     [each.training for each in model.modules()]
    [False, False, False]
    >>> [each.training for each in model.modules()]
    [True, True, False]
    """
    flags = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in flags:
            module.training = False
        with isolate_autograd(), own_random_state(device_of(model)), torch.no_grad(), _uncompiled(model):
            yield
    finally:
        for module, flag in flags:
            module.training = flag


@contextmanager
def _uncompiled(model: nn.Module) -> Iterator[None]:
    """Run compiled modules as they were written: a compiled graph does not see hooks set after it."""
    compiled = any(
        getattr(module, "_compiled_call_impl", None) is not None or "_orig_mod" in module._modules
        for module in model.modules()
    )
    with ExitStack() as stack:
        if compiled and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def observed(modules: Mapping[str, nn.Module], on_call: Call) -> Iterator[None]:
    """Call `on_call(name, module, inputs, output)` after each of the modules has run; hooks always come off.

    What it returns takes the output's place, unless it is None. The second call of a module within the block
    is named `name@2`, the third `name@3`. InputError for a module made by torch.jit.

    >>> seen, layer = [], nn.ReLU()
    >>> with observed({"relu": layer}, lambda name, *_: seen.append(name)):
    ...     _ = layer(layer(torch.zeros(1)))
    >>> seen
    ['relu', 'relu@2']
    """
    handles: list[RemovableHandle] = []
    calls: dict[str, int] = {}

    def hook_for(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], Any]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            calls[name] = calls.get(name, 0) + 1
            called = name if calls[name] == 1 else f"{name}@{calls[name]}"
            return on_call(called, module, inputs, output)

        return hook

    try:
        for name, module in modules.items():
            if isinstance(module, torch.jit.ScriptModule):
                raise InputError(
                    f"network: saw {name!r} made by torch.jit, whose output cannot be observed; wanted the module that "
                    "it was made from"
                )
            handles.append(module.register_forward_hook(hook_for(name)))
        yield
    finally:
        for handle in handles:
            handle.remove()
