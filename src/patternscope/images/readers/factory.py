"""Images from a function of the user's own."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from patternscope.errors import InputError
from patternscope.factories import call_offered, found_factory
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.torch_datasets import check_dataset, open_datasets

_SPLITS = ({"train": True, "split": "train"}, {"train": False, "split": "test"})


def open_factory(request: Request) -> Splits:
    """Return the images of the data sets that "package.module:factory" makes.

    The factory is called with `arguments`, and with `folder` (also as root), `image_size`, `channels` and
    `seed` where its signature names them. It returns a data set, or a pair of them, the second held out; one
    that names `train` or `split` is called twice, for train = True and False, split = "train" and "test".
    What a data set must be is said at `open_datasets`.

    Raises InputError for a factory that is not there, fails, or returns something else.
    """
    setting = "source"
    with found_factory(request.source, request.options.get("factory_folder"), setting) as factory:
        made = [_made(factory, split, request) for split in _splits_of(factory, request)]
    datasets = list(made[0]) if len(made) == 1 and isinstance(made[0], tuple | list) else made
    if not 1 <= len(datasets) <= 2:
        raise InputError(
            f"source {request.source!r}: saw {len(datasets)} data sets, wanted one, or (train, test)"
        )
    for each in datasets:
        check_dataset(each, f"source {request.source!r}")
    return open_datasets(datasets[0], (*datasets, None)[1], request, where=request.source)


def _splits_of(factory: Callable[..., Any], request: Request) -> tuple[Mapping[str, Any], ...]:
    """What the factory is called with for each split; once where its signature names none."""
    named = set(inspect.signature(factory).parameters) - set(request.options.get("arguments") or {})
    return _SPLITS if named & {"train", "split"} else ({},)


def _made(factory: Callable[..., Any], split: Mapping[str, Any], request: Request) -> Any:
    """What the factory returns."""
    offered = {
        **{"folder": request.folder, "root": request.folder, "image_size": request.image_size},
        **{"channels": request.channels, "seed": request.seed, **split},
    }
    try:
        return call_offered(factory, offered, request.options.get("arguments") or {})
    except InputError:
        raise
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()):.160}"
        raise InputError(f"source {request.source!r}: the factory failed ({reason})") from error
