"""Images from a user's function."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.factories import call_offered, factory_file, import_factory
from patternscope.images.readers.source import Option, Request, Source, SourceOptions, Splits
from patternscope.images.readers.torch_datasets import ARGUMENTS, open_datasets

FACTORY_FOLDER: Option[Path | None] = Option(
    "factory_folder", Path, "where package.module is searched first; the settings file's folder by default", None
)
_SPLITS = ({"train": True, "split": "train"}, {"train": False, "split": "test"})


def open_factory(request: Request) -> Splits:
    """Return the images of the data sets that "package.module:factory" returns.

    The factory is called with `arguments`, and with `folder` (also as root), `image_size`, `channels` and
    `seed` where its signature names them. It returns a data set, or a pair of them, the second held out; one
    that names `train` or `split` is called twice, for train = True and False, split = "train" and "test".
    `open_datasets` describes the data sets.
    """
    where = f"source {request.source!r}"
    with import_factory(request.source, request.option(FACTORY_FOLDER), "source") as factory:
        results = [_call(factory, split, request) for split in _splits_of(factory, request)]
    datasets = list(results[0]) if len(results) == 1 and isinstance(results[0], tuple | list) else results
    if not 1 <= len(datasets) <= 2:
        raise InputError(f"{where}: expected one data set, or (train, test), got {len(datasets)}")
    return open_datasets(datasets[0], (*datasets, None)[1], request, where)


def _splits_of(factory: Callable[..., Any], request: Request) -> tuple[Mapping[str, Any], ...]:
    """Return the arguments of the factory for each split; a single empty set if its signature names no split."""
    named = set(inspect.signature(factory).parameters) - set(request.option(ARGUMENTS))
    return _SPLITS if named & {"train", "split"} else ({},)


def _call(factory: Callable[..., Any], split: Mapping[str, Any], request: Request) -> Any:
    """Return what the factory returns."""
    offered = {
        **{"folder": request.folder, "root": request.folder, "image_size": request.image_size},
        **{"channels": request.channels, "seed": request.seed, **split},
    }
    try:
        return call_offered(factory, offered, request.option(ARGUMENTS))
    except InputError:
        raise
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()):.160}"
        raise InputError(f"source {request.source!r}: the factory failed ({reason})") from error


def _stamp(source: str, options: SourceOptions) -> list[str | None]:
    """Return the digest of the file that defines the factory, None without such a file."""
    code = factory_file(source, options.get(FACTORY_FOLDER.name))
    return [None if code is None else hashlib.sha256(code.read_bytes()).hexdigest()]


SOURCE = Source(
    name="factory",
    read=open_factory,
    options=(ARGUMENTS, FACTORY_FOLDER),
    folder="optional",
    stamp=_stamp,
    pattern=".+:.+",
    written="package.module:factory",
)
