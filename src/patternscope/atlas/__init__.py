"""The atlas: a study as a page for the browser, and as a notebook widget."""

from typing import TYPE_CHECKING, Any

from patternscope.errors import InputError

if TYPE_CHECKING:
    from patternscope.atlas.widget import Atlas

__all__ = ["Atlas"]


def __getattr__(name: str) -> Any:
    """Import the widget on first use, since it needs an optional extra."""
    if name != "Atlas":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from patternscope.atlas.widget import Atlas
    except ModuleNotFoundError as error:
        raise InputError(f"Atlas: requires {error.name}; pip install 'patternscope[notebook]'") from error
    return Atlas
