"""Networks and images made by a function of the user's own, found by `package.module:factory`."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patternscope.errors import InputError, fault, nearest

NOT_FACTORIES = ("timm", "torchvision")
"""What stands before a colon and is no module with factories."""


@contextmanager
def found_factory(name: str, folder: Path | None, setting: str) -> Iterator[Callable[..., Any]]:
    """Give the callable that "package.module:factory" names, to be called within the block.

    Modules in `folder` come before installed ones, as those beside a script do; the module search path is as
    found afterwards. `setting` begins the text of errors. InputError for a module or a function that is not
    there, or a module that fails.

    >>> with found_factory("math:sqrt", None, "architecture") as factory:
    ...     factory(4)
    2.0
    """
    module_name, _, attribute = name.partition(":")
    with _searched_first(folder, module_name):
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            beside = "" if folder is None else f", also not from {folder}"
            raise InputError(
                f"{setting} {name!r}: module {module_name!r} cannot be imported{beside}: {error}"
            ) from error
        except Exception as error:  # a module's own code may raise anything
            raise InputError(
                f"{setting} {name!r}: module {module_name!r} cannot be imported: {fault(error)}"
            ) from error
        factory = getattr(module, attribute, None)
        if not callable(factory):
            callables = [each for each in dir(module) if callable(getattr(module, each)) and each[0] != "_"]
            hint = nearest(attribute, callables)
            raise InputError(f"{setting} {name!r}: {module_name!r} has no callable {attribute!r}; {hint}")
        yield factory


def call_offered(
    factory: Callable[..., Any], offered: Mapping[str, Any], arguments: Mapping[str, Any]
) -> Any:
    """Call a factory with `arguments`, and with those of `offered` that its signature names.

    >>> call_offered(lambda classes, width=3: (classes, width), {"classes": 2, "seed": 0}, {"width": 5})
    (2, 5)
    """
    named = inspect.signature(factory).parameters
    return factory(**{**{name: offered[name] for name in named if name in offered}, **arguments})


def factory_file(name: str, folder: Path | None) -> Path | None:
    """Return the file of the module that a factory is defined in; None for other names.

    Also None for a module that is no file. InputError for one that cannot be found.
    """
    module_name, colon, _ = name.partition(":")
    if not colon or module_name in NOT_FACTORIES:
        return None
    with _searched_first(folder, module_name):
        try:
            found = importlib.util.find_spec(module_name)
        except (ImportError, ValueError):
            found = None
    if found is None:
        beside = "" if folder is None else f", also not in {folder}"
        raise InputError(f"{name!r}: module {module_name!r} is not there{beside}")
    path = None if found.origin is None else Path(found.origin)
    return path if path is not None and path.is_file() else None


@contextmanager
def _searched_first(folder: Path | None, module_name: str) -> Iterator[None]:
    """Search modules in a folder before all other places, and read the named one's package afresh from there.

    Afresh, since its file may have changed, or a module of another place have the same name. What was loaded
    before is what others go on seeing.
    """
    package = module_name.partition(".")[0]
    if folder is None or not any(path.exists() for path in (folder / f"{package}.py", folder / package)):
        yield
        return
    known = {
        name: sys.modules.pop(name)
        for name in list(sys.modules)
        if name == package or name.startswith(f"{package}.")
    }
    places = list(sys.path)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = places
        sys.modules.update(known)
