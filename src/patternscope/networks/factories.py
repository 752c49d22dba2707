"""Networks made by a function of the user's own, found by `package.module:factory`."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patternscope.errors import InputError, nearest


def call_factory(
    folder: Path | None, architecture: str, size: Mapping[str, int], arguments: Mapping[str, Any]
) -> Any:
    """Return what the factory named by "package.module:factory" returns.

    Modules in `folder` come before installed ones, as those beside a script do. The factory is called with
    `arguments`, and with those of `size` that its signature names, "classes" also as "num_classes". The module
    search path is as found afterwards. Source: this project. InputError for a module or a function that is not there.
    """
    module_name, _, attribute = architecture.partition(":")
    with _searched_first(folder, module_name):
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            beside = "" if folder is None else f", also not from {folder}"
            raise InputError(
                f"architecture {architecture!r}: module {module_name!r} cannot be imported{beside}: {error}"
            ) from error
        factory = getattr(module, attribute, None)
        if not callable(factory):
            callables = [name for name in dir(module) if callable(getattr(module, name)) and name[0] != "_"]
            hint = nearest(attribute, callables)
            raise InputError(
                f"architecture {architecture!r}: {module_name!r} has no callable {attribute!r}; {hint}"
            )
        named = inspect.signature(factory).parameters
        offered = {**size, "num_classes": size["classes"]}
        return factory(**{**{name: offered[name] for name in named if name in offered}, **arguments})


def factory_file(architecture: str, folder: Path | None) -> Path | None:
    """Return the file of the module that a factory is defined in; None for other architectures.

    Source: this project. Also None for a module that cannot be found or is not a file of Python code.
    """
    module_name, colon, _ = architecture.partition(":")
    if not colon or module_name == "timm":
        return None
    with _searched_first(folder, module_name):
        try:
            found = importlib.util.find_spec(module_name)
        except (ImportError, ValueError):
            return None
    path = None if found is None or found.origin is None else Path(found.origin)
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
