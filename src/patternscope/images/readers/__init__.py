"""Where images come from: pictograms, folders, known data sets, data sets of torch; all become an `ImageSet`."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

from patternscope.errors import InputError
from patternscope.factories import factory_file
from patternscope.images.pictograms import DRAWING_VERSION
from patternscope.images.readers.arrays import open_arrays
from patternscope.images.readers.cifar import open_cifar
from patternscope.images.readers.coco import open_coco
from patternscope.images.readers.cub import open_cub
from patternscope.images.readers.factory import open_factory
from patternscope.images.readers.folder import files_below, open_folder, picture_files
from patternscope.images.readers.generated import open_pictograms
from patternscope.images.readers.idx import open_idx
from patternscope.images.readers.image_set import ImageSet, Progress, Request, SourceOptions, Splits
from patternscope.images.readers.imagenet import open_imagenet
from patternscope.images.readers.layout_detection import layout_hint
from patternscope.images.readers.names import check_source, source_kind
from patternscope.images.readers.parquet import open_parquet
from patternscope.images.readers.tiny_imagenet import open_tiny_imagenet
from patternscope.images.readers.torch_datasets import MapStyle, check_dataset, open_datasets
from patternscope.images.readers.torchvision_sets import open_torchvision
from patternscope.images.selection import choose_samples

__all__ = [
    "SOURCES",
    "ImageSet",
    "Progress",
    "Request",
    "SourceOptions",
    "Splits",
    "check_source",
    "fingerprint",
    "layout_hint",
    "open_images",
    "source_kind",
]

SOURCES: dict[str, Callable[[Request], Splits]] = {
    "pictograms": open_pictograms,
    "folder": open_folder,
    "idx": open_idx,
    "arrays": open_arrays,
    "tiny_imagenet": open_tiny_imagenet,
    "imagenet": open_imagenet,
    "cub": open_cub,
    "coco": open_coco,
    "cifar": open_cifar,
    "parquet": open_parquet,
    "torchvision": open_torchvision,
    "factory": open_factory,
}
"""The opener of each kind of source."""

_SMALLEST = 16


def _check(request: Request) -> None:
    """Refuse what no opener can do."""
    if request.image_size < _SMALLEST:
        raise InputError(f"image_size is {request.image_size}; it must be {_SMALLEST} or more")
    if request.channels not in (1, 3):
        raise InputError(f"channels is {request.channels}; it must be 1 or 3")
    if request.seed < 0:
        raise InputError(f"seed is {request.seed}; it must be 0 or more")
    names = request.class_names
    if names is not None and (len(set(names)) != len(names) or len(names) < 2):
        raise InputError(f"class_names is {list(names)}; two or more different names are needed")


def _limited(images: ImageSet, per_class: int | None, seed: int) -> ImageSet:
    """At most `per_class` images of each class."""
    if per_class is None:
        return images
    return images.subset(choose_samples(images.labels, per_class, seed=seed))


def open_images(
    source: str | MapStyle | tuple[MapStyle, MapStyle],
    *,
    folder: str | Path | None = None,
    image_size: int = 64,
    channels: int = 3,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    **options: Unpack[SourceOptions],
) -> Splits:
    """Open a source of images: those to train on and those held out.

    `source` is one of SOURCES, "torchvision:NAME", "package.module:factory", a map-style data set of torch or
    a pair of them (train, test); `folder` is where its files are (a file for one .npz). Images become uint8
    (channels, image_size, image_size). The counts per class are how many pictograms are drawn (500 and 100 by
    default) or at most taken of files (all by default), chosen with the seed. `class_names` names the
    classes, or takes some of them where the source names its own. `progress` is called with (done, total).

    Options: preset ("paper": ten classes of tiny_imagenet or imagenet); crop (cub: to the boxes) and margin around
    boxes (cub, coco; 0.1); smallest_box in pixels (coco; 32); image_column, label_column (parquet); arguments
    (torchvision and factories); factory_folder, where a factory's module is looked for first.

    Raises InputError for an unknown source, an option of another source, a size below 16, channels other than 1 or
    3, and whatever the source lacks.

    >>> splits = open_images("pictograms", image_size=16, train_per_class=2, test_per_class=2)
    >>> splits.train.classes[:3], splits.train[0][0].shape
    (('bridge', 'bus', 'car'), torch.Size([3, 16, 16]))
    """
    request = Request(
        source=source if isinstance(source, str) else "data set",
        folder=None if folder is None else Path(folder).expanduser(),
        image_size=image_size,
        channels=channels,
        seed=seed,
        train_per_class=train_per_class,
        test_per_class=test_per_class,
        class_names=None if class_names is None else tuple(class_names),
        progress=progress,
        options=options,
    )
    splits = _opened(source, request)
    return Splits(_limited(splits.train, train_per_class, seed), _limited(splits.test, test_per_class, seed))


def _opened(source: str | MapStyle | tuple[MapStyle, MapStyle], request: Request) -> Splits:
    """The images of a source, or why there are none and what its folder looks like."""
    _check(request)
    if not isinstance(source, str):
        train, test = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
        for each in (train, test):
            check_dataset([] if each is None else each, "source")
        return open_datasets(train, test, request, "source")
    check_source(source, request.folder, request.options)
    kind = source_kind(source)
    try:
        return SOURCES[kind](request)
    except InputError as error:
        hint = layout_hint(kind, request.folder) if kind not in ("torchvision", "factory") else None
        if hint is None or hint in str(error):
            raise
        raise InputError(f"{error}; {hint}") from error


def _files(kind: str, path: Path) -> Iterator[tuple[str, int, int]]:
    """Relative path, size and time of each visible file; of class folders those of the pictures."""
    # Settings and code may lie beside class folders, and change without the images.
    found = picture_files(path) if kind == "folder" else sorted(files_below(path))
    for each in [path] if path.is_file() else found:
        if each.is_file():
            seen = each.stat()
            yield each.relative_to(path).as_posix(), seen.st_size, seen.st_mtime_ns


def fingerprint(
    source: str, folder: str | Path | None = None, factory_folder: Path | None = None, **settings: object
) -> str:
    """Return a digest that changes when the content of a source changes, without reading it.

    Files: relative path, size and modification time of each but those of studies among them (class folders:
    of the pictures); pictograms: the version of the drawings; a factory: the file it is defined in, and the
    files of the folder if there is one. `settings` (image size, seed, counts, ...; any JSON values) go into
    it as they are. 64 hexadecimal digits.

    Raises InputError for an unknown source or a missing folder.

    >>> fingerprint("pictograms", seed=0) != fingerprint("pictograms", seed=1)
    True
    """
    kind = source_kind(source)
    content: list[Any] = [DRAWING_VERSION] if kind == "pictograms" else []
    path = None if folder is None else Path(folder).expanduser()
    if kind == "factory":
        code = factory_file(source, factory_folder)
        content.append(None if code is None else hashlib.sha256(code.read_bytes()).hexdigest())
    if kind not in ("pictograms", "factory") or path is not None:
        if path is None or not path.exists():
            raise InputError(f"folder {str(path)!r} is not there; the place of the {source} images is needed")
        content += _files(kind, path)
    text = json.dumps([source, content, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
