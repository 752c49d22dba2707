"""A network is borrowed: hooks, flags and random state are as found when it is given back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from patternscope.autograd_modes import isolate_autograd
from patternscope.errors import InputError
from patternscope.networks.device import device_of

_CPU = torch.device("cpu")

OnCall = Callable[[str, nn.Module, tuple[Any, ...], Any], Any]


@contextmanager
def isolate_random_state(device: torch.device = _CPU, seed: int | None = None) -> Iterator[None]:
    """Protect the caller's random state, on the CPU and on `device`, from the code in the block.

    With a seed, the random state inside starts from it on the CPU.

    >>> before = torch.get_rng_state()
    >>> with isolate_random_state(seed=0):
    ...     _ = torch.rand(3)
    >>> bool((torch.get_rng_state() == before).all())
    True
    """
    options = {}
    if device.type not in ("cpu", "meta"):
        index = torch.accelerator.current_device_index() if device.index is None else device.index
        options = {"devices": [index], "device_type": device.type}
    with torch.random.fork_rng(**{"devices": [], **options}):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
        yield


@contextmanager
def borrowed(model: nn.Module) -> Iterator[None]:
    """Switch to evaluation without gradients; every module's flag and the random state are restored.

    Flags are set one by one, since a module's own `train` may do more than set its flag. The caller's inference mode
    and autocast do not apply inside (`isolate_autograd`), so the model's input must be made inside.

    >>> model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with borrowed(model):
    ...     [module.training for module in model.modules()]
    [False, False, False]
    >>> [module.training for module in model.modules()]
    [True, True, False]
    """
    flags = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in flags:
            module.training = False
        with isolate_autograd(), isolate_random_state(device_of(model)), torch.no_grad(), _uncompiled(model):
            yield
    finally:
        for module, flag in flags:
            module.training = flag


@contextmanager
def _uncompiled(model: nn.Module) -> Iterator[None]:
    """Run compiled modules eagerly: a compiled graph does not see hooks that are set later."""
    compiled = any(
        getattr(module, "_compiled_call_impl", None) is not None or "_orig_mod" in module._modules
        for module in model.modules()
    )
    with ExitStack() as stack:
        if compiled and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def hooked(modules: Mapping[str, nn.Module], on_call: OnCall) -> Iterator[None]:
    """Call `on_call(call, module, inputs, output)` whenever one of the modules has run; then remove the hooks.

    Its return value replaces the output, unless it is None. A call has the name of its module; the second call of a
    module within the block is `name@2`, the third `name@3`. The package sets hooks nowhere else. InputError for a
    module made by torch.jit.

    >>> calls, layer = [], nn.ReLU()
    >>> with hooked({"relu": layer}, lambda call, *_: calls.append(call)):
    ...     _ = layer(layer(torch.zeros(1)))
    >>> calls
    ['relu', 'relu@2']
    """
    with ExitStack() as stack:
        for name, module in modules.items():
            if isinstance(module, torch.jit.ScriptModule):
                raise InputError(
                    f"network: expected modules of torch.nn, got {name!r} made by torch.jit, whose output cannot be "
                    "observed; use the module that it was made from"
                )
            hook = module.register_forward_hook(_counting_hook(name, on_call), with_kwargs=True)
            stack.callback(hook.remove)
        yield


def _counting_hook(name: str, on_call: OnCall) -> Callable[..., Any]:
    """Return a forward hook that names each call of the module by its number; inputs may be given by keyword."""
    count = 0

    def hook(module: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> Any:
        nonlocal count
        count += 1
        return on_call(name if count == 1 else f"{name}@{count}", module, (*inputs, *keywords.values()), output)

    return hook
