"""Weights from and to files: safetensors, or the .pth, .ckpt and .bin of other programs."""

import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.models.normalised import inner_network
from patternscope.networks.models.weight_files import States, is_safetensors, read_states
from patternscope.tensor_files import unreadable, write_tensors

_PREFIXES = ("module.", "_orig_mod.", "network.")


def save_weights(network: nn.Module | Mapping[str, Tensor], path: str | Path) -> None:
    """Write the weights of a network, or a state dict, as safetensors; equal weights give equal bytes.

    Prefixes of wrappers (Normalised, DataParallel, torch.compile) are removed from the names.

    >>> import tempfile
    >>> from patternscope.tensor_files import read_tensors
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_weights(nn.Linear(1, 1), Path(folder) / "network.safetensors")
    ...     sorted(read_tensors(Path(folder) / "network.safetensors"))
    ['bias', 'weight']
    """
    if isinstance(network, Mapping):
        common = _wrappers_prefix(network)
        write_tensors({name.removeprefix(common): tensor for name, tensor in network.items()}, path)
    else:
        # The network itself may have a child with a wrapper's name, so nothing more is removed.
        write_tensors(inner_network(network).state_dict(), path)


def load_weights(network: nn.Module, path: str | Path, *, as_start: bool = False) -> list[str]:
    """Load weights from a file into the network; return the names of tensors that keep their values.

    Files are .safetensors, or .pth, .pt, .ckpt, .bin and .pth.tar, which are loaded with weights_only=True. Names may
    have or lack the prefixes of wrappers, or have that of the attribute that held the network in a training module,
    whose other tensors (such as a loss's) are omitted. Of several state dicts in a file, the first that fits is used.
    Nothing is loaded unless all names and shapes fit; with `as_start`, for training, tensors that differ only in the
    number of classes or of input channels keep their values.

    Raises:
        InputError: the file is missing or unreadable, or its names or shapes are not the network's.

    Warns:
        UserWarning: for pickles, which contain code (prefer safetensors from unknown sources), for tensors that are
            omitted or keep their values, and for a choice between state dicts that fit.
    """
    inner, path = inner_network(network), Path(path)
    own = inner.state_dict()
    fitting, kept = _first_that_fits(read_states(path), own, path, as_start=as_start)
    inner.load_state_dict({**own, **fitting})
    if kept:
        warnings.warn(
            f"{path.name}: {', '.join(kept)} keep their untrained values, since the file's have another shape",
            UserWarning,
            stacklevel=2,
        )
    return kept


def _first_that_fits(
    states: States, expected: Mapping[str, Tensor], path: Path, *, as_start: bool
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors of the first state dict that fits, and the names without a tensor."""
    fits: dict[str, tuple[dict[str, Tensor], list[str], list[warnings.WarningMessage]]] = {}
    faults: dict[str, InputError] = {}
    for keys, state in states.items():
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                fitting, kept = _fitting(state, expected, path, as_start=as_start)
                _check_numbers(fitting, expected, path)
                fits[keys] = (fitting, kept, said)
            except InputError as error:
                faults[keys] = error
    if not fits:
        first, *others = faults
        found = f"; the file has state dicts under {', '.join(map(repr, states))}" if others else ""
        raise InputError(f"{faults[first]}{found}") from faults[first]
    chosen, *others = fits
    fitting, kept, said = fits[chosen]
    for warning in said:
        warnings.warn(warning.message, warning.category, stacklevel=4)
    if others:
        names = ", ".join(map(repr, others))
        warnings.warn(f"{path.name}: {chosen!r} is taken; {names} fit as well", UserWarning, stacklevel=4)
    return fitting, kept


def check_weights(network: nn.Module, path: str | Path, *, as_start: bool = False) -> None:
    """Check the names and shapes of a safetensors file against the network, without reading its numbers.

    Files of other kinds pass. InputError as `load_weights`.
    """
    from safetensors import SafetensorError, safe_open

    if not is_safetensors(path):
        return
    try:
        with safe_open(str(path), "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with warnings.catch_warnings(action="ignore"):  # loading warns
        _fitting(state, inner_network(network).state_dict(), Path(path), as_start=as_start)


def _wrappers_prefix(names: Collection[str]) -> str:
    """Return the prefix that wrappers add to every name, "" for none."""
    for prefix in _PREFIXES:
        if names and all(name.startswith(prefix) for name in names):
            return prefix + _wrappers_prefix([name.removeprefix(prefix) for name in names])
    return ""


def _fitting(
    state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path, *, as_start: bool = False
) -> tuple[dict[str, Tensor], list[str]]:
    """Return the file's tensors under the network's names, and the names that keep the network's initial values.

    InputError unless every other name has one that fits.
    """
    if not set(expected) <= set(state):
        state = _renamed(state, expected, path)
    missing = [name for name in expected if name not in state]
    surplus = [name for name in state if name not in expected]
    other = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    kept = [name for name in other if as_start and differs_in_classes_or_channels(state[name], expected[name])]
    other = [name for name in other if name not in kept]
    faults = []
    if missing:
        faults.append(f"{len(missing)} missing (first {missing[0]!r})")
    if surplus:
        faults.append(f"{len(surplus)} unknown (first {surplus[0]!r})")
    if other:
        there, here = tuple(state[other[0]].shape), tuple(expected[other[0]].shape)
        faults.append(f"{len(other)} of another shape (first {other[0]!r}: {there} instead of {here})")
    if faults:
        got = ", ".join(faults)
        raise InputError(f"weights {path.name!r}: expected the network's names and shapes, got {got}")
    return {name: tensor for name, tensor in state.items() if name not in kept}, kept


def _check_numbers(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Refuse tensors that are not finite numbers of the network's kind, since such a network cannot be computed."""
    for name, tensor in state.items():
        kind = expected[name].dtype if name in expected else tensor.dtype
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
            found = "on the meta device, without numbers" if tensor.is_meta else "sparse or quantised"
        elif tensor.is_floating_point() != kind.is_floating_point or tensor.is_complex():
            found = f"of {tensor.dtype}"
        elif tensor.is_floating_point() and not torch.isfinite(tensor.to(kind)).all():
            found = f"with NaN or inf, in {kind}"
        else:
            continue
        raise InputError(f"weights {path.name!r}: expected finite numbers of {kind}, got {name!r} {found}")


def _renamed(state: dict[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Replace the prefix under which the file has most of the network's names by the network's own."""
    own = _wrappers_prefix(expected)
    bare = {name.removeprefix(own) for name in expected}
    ends = {name: (0, *(dot.end() for dot in re.finditer(r"\.", name))) for name in state}
    counts = Counter(name[:end] for name in state for end in ends[name] if name[end:] in bare)
    whole = [prefix for prefix, count in counts.items() if count == len(bare)]
    if len(whole) > 1:
        raise InputError(
            f"weights {path.name!r}: expected the network once, got it twice, under {whole[0]!r} and {whole[1]!r}"
        )
    prefix = max(counts, key=lambda prefix: (counts[prefix], prefix == own), default=own)
    inside = {own + name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}
    outside = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    if whole and outside:
        warnings.warn(
            f"{path.name}: {len(outside)} tensors outside {prefix!r} are omitted (first {next(iter(outside))!r})",
            UserWarning,
            stacklevel=4,
        )
        return inside
    return outside | inside


def differs_in_classes_or_channels(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors differ in shape only by the number of classes, or by a convolution's channels.

    >>> differs_in_classes_or_channels(torch.ones(10, 4), torch.ones(3, 4))
    True
    """
    if one.ndim != other.ndim:
        return False
    axes = [axis for axis, (a, b) in enumerate(zip(one.shape, other.shape, strict=True)) if a != b]
    return axes == [0] or (axes == [1] and one.ndim == 4)
