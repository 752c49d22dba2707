"""Networks and images made by a user's function, named as `package.module:factory`."""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, cast

from patternscope.errors import InputError, fault, nearest

NOT_FACTORIES = ("timm", "torchvision", "huggingface")
"""Prefixes before a colon that are not modules."""


@contextmanager
def import_factory(name: str, folder: Path | None, setting: str) -> Iterator[Callable[..., Any]]:
    """Give the callable that "package.module:factory" or "package.module:Class.method" names, within the block.

    Modules in `folder` come before installed ones, like those next to a script; the module search path is restored
    afterwards. `setting` begins the text of errors. InputError for a module or a function that does not exist, or a
    module that fails.

    >>> with import_factory("math:sqrt", None, "architecture") as factory:
    ...     factory(4)
    2.0
    """
    module_name, _, attribute = name.partition(":")
    with _searched_first(folder, module_name):
        try:
            module = importlib.import_module(module_name)
        except Exception as error:  # a module's own code may raise anything
            raise InputError(
                f"{setting} {name!r}: expected a module {module_name!r}{_places(folder)}, got {fault(error)}"
            ) from error
        *owners, last = attribute.split(".")
        owner = reduce(lambda value, name: getattr(value, name, None), owners, cast(Any, module))
        factory = getattr(owner, last, None)
        if not callable(factory):
            names = [name for name in dir(owner) if callable(getattr(owner, name)) and name[0] != "_"]
            hint = nearest(last, names)
            raise InputError(f"{setting} {name!r}: expected a function of {module_name!r}, got {attribute!r}; {hint}")
        yield factory


def call_offered(factory: Callable[..., Any], offered: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """Call a factory with `arguments`, and with those of `offered` that are in its signature.

    >>> call_offered(lambda classes, width=3: (classes, width), {"classes": 2, "seed": 0}, {"width": 5})
    (2, 5)
    """
    named = inspect.signature(factory).parameters
    return factory(**{**{name: offered[name] for name in named if name in offered}, **arguments})


def factory_file(name: str, folder: Path | None) -> Path | None:
    """Return the file of the module that a factory is defined in; None for other names, or a module without a file.

    Nothing is imported, not even the packages around the module: reading a study runs none of its code. InputError for
    a module that does not exist.
    """
    module_name, colon, _ = name.partition(":")
    if not colon or module_name in NOT_FACTORIES:
        return None
    spec = _spec_of(module_name, folder)
    if spec is None:
        raise InputError(f"{name!r}: expected a module {module_name!r}{_places(folder)}, got none")
    path = Path(spec.origin or "")
    return path if path.is_file() else None


def _spec_of(module_name: str, folder: Path | None) -> ModuleSpec | None:
    """Find a module without importing anything, where Python's own search would import the packages around it."""
    first, *inner = module_name.split(".")
    importlib.invalidate_caches()
    places = sys.path if folder is None else [str(folder), *sys.path]
    spec = PathFinder.find_spec(first, places) or _otherwise_found(first)
    for part in inner:
        if spec is None or spec.submodule_search_locations is None:
            return None
        # Only by its last name: a full name would need the package, which is not imported.
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec


def _otherwise_found(name: str) -> ModuleSpec | None:
    """Find a module of the first level that is built into Python, or that an editable installation adds."""
    specs = (finder.find_spec(name, None) for finder in sys.meta_path if finder is not PathFinder)
    return next((spec for spec in specs if spec is not None), None)


def _places(folder: Path | None) -> str:
    """Return where modules are searched, as text for an error."""
    return "" if folder is None else f" in {folder} or installed"


@contextmanager
def _searched_first(folder: Path | None, module_name: str) -> Iterator[None]:
    """Search modules in a folder before all other places, and reimport the package of the named one from there.

    It is reimported since its file may have changed, or another module may have the same name. Modules that were loaded
    before are restored afterwards.
    """
    package = module_name.partition(".")[0]
    if folder is None or not any(path.exists() for path in (folder / f"{package}.py", folder / package)):
        yield
        return
    known = {
        name: sys.modules.pop(name) for name in list(sys.modules) if name == package or name.startswith(f"{package}.")
    }
    places = list(sys.path)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = places
        sys.modules.update(known)
