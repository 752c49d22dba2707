"""Packages that import their public names on first use (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Exports = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def lazy_exports(package: str, exports: Mapping[str, tuple[str, ...]]) -> Exports:
    """Return a package's ``__getattr__``, ``__dir__`` and ``__all__`` for names that its submodules define.

    `exports` maps each submodule, relative to the package and possibly nested, to the names taken from it. A name is
    imported on first use and then belongs to the package; so do the submodules themselves. Use::

        if TYPE_CHECKING:
            from package.shapes import Circle, Square
        else:
            __getattr__, __dir__, __all__ = lazy_exports(__name__, {"shapes": ("Circle", "Square")})

    Raises:
        ValueError: a name that is also that of a submodule: importing the submodule would replace it.

    >>> attribute, _, names = lazy_exports("json", {"decoder": ("JSONDecoder",)})
    >>> names, attribute("JSONDecoder")
    (['JSONDecoder'], <class 'json.decoder.JSONDecoder'>)
    """
    origins = {name: f"{package}.{module}" for module, names in exports.items() for name in names}
    submodules = {module.partition(".")[0] for module in exports}
    if clashes := sorted(submodules & origins.keys()):
        raise ValueError(f"{package}: expected names that no submodule has, got {', '.join(clashes)}")

    def attribute(name: str) -> Any:
        if name in submodules:
            return import_module(f"{package}.{name}")
        module = sys.modules[package]
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)
        value = getattr(import_module(origins[name]), name)
        setattr(module, name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *origins, *submodules})

    return attribute, names, sorted(origins)
