"""The entry to all sources: their images, and the fingerprint of their content."""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import CHANNELS, PIXEL_LIMIT, Resize
from patternscope.images.readers.files import composed
from patternscope.images.readers.image_set import ImageSet, Progress
from patternscope.images.readers.layout_detection import layout_hint
from patternscope.images.readers.registry import check_source, find_source
from patternscope.images.readers.source import Request, Source, SourceOptions, Splits
from patternscope.images.readers.torch_datasets import MapStyle, open_datasets
from patternscope.images.selection import choose_samples

_SMALLEST = 16


def open_images(
    source: str | MapStyle | tuple[MapStyle, MapStyle],
    *,
    folder: str | Path | None = None,
    image_size: int = 64,
    channels: int = 3,
    resize: Resize = "crop",
    white: float | None = None,
    pixel_limit: int = PIXEL_LIMIT,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Splits:
    """Open a source of images: those to train on and those held out.

    `source` is one of SOURCES, "torchvision:NAME", "package.module:factory", a map-style data set of torch or
    a pair of them (train, test); `folder` is where its files are (a file for one .npz). Images become uint8
    (channels, image_size, image_size). `resize` says how they are made square: "crop" keeps the centre, "pad"
    adds black, "stretch" changes proportions. 2 channels are grey and alpha of files, 4 colour and alpha, or what
    arrays hold. `white` is the value to show as white for pixels that are not bytes: 4095 for 12 bits. Picture files of
    more pixels than `pixel_limit` are not decoded, but listed in `skipped`.

    The counts per class are how many pictograms are drawn (500 and 100 by default) or at most taken of files (all by
    default), chosen with the seed. `class_names` names the classes, or selects some of them where the source names its
    own. `progress` is called with (done, total).

    Options: preset ("paper": ten classes of tiny_imagenet or imagenet); crop (cub: to the boxes) and margin around
    boxes (cub, coco; 0.1); smallest_box in pixels (coco; 32); image_column, label_column (parquet); arguments
    (torchvision and factories); factory_folder, which is searched first for a factory's module.

    Raises InputError for an unknown source, an option of another source, a size below 16, channels other than 1 to 4,
    and anything the source lacks.

    >>> splits = open_images("pictograms", image_size=16, train_per_class=2, test_per_class=2)
    >>> splits.train.classes[:3], splits.train[0][0].shape
    (('bridge', 'bus', 'car'), torch.Size([3, 16, 16]))
    """
    request = Request(
        source=source if isinstance(source, str) else "data set",
        folder=None if folder is None else Path(folder).expanduser(),
        image_size=image_size,
        channels=channels,
        resize=resize,
        white=white,
        pixel_limit=pixel_limit,
        seed=seed,
        train_per_class=train_per_class,
        test_per_class=test_per_class,
        class_names=None if class_names is None else tuple(map(composed, class_names)),
        progress=progress,
        options=options,
    )
    _check(request)
    if isinstance(source, str):
        splits = _read(request)
    else:
        train, test = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
        splits = open_datasets(train, test, request, "source")
    return Splits(_limit(splits.train, train_per_class, seed), _limit(splits.test, test_per_class, seed))


def _check(request: Request) -> None:
    """Refuse requests that no source can meet."""
    if request.image_size < _SMALLEST:
        raise InputError(f"image_size: expected {_SMALLEST} or more, got {request.image_size}")
    if request.channels not in CHANNELS:
        raise InputError(f"channels: expected 1, 2, 3 or 4, got {request.channels}")
    if request.resize not in get_args(Resize):
        hint = nearest(request.resize, get_args(Resize))
        raise InputError(f"resize: expected crop, pad or stretch, got {request.resize!r}; {hint}")
    if request.white is not None and not 0 < request.white < math.inf:
        raise InputError(f"white: expected a positive number, got {request.white:g}")
    if request.pixel_limit < 1:
        raise InputError(f"pixel_limit: expected 1 or more, got {request.pixel_limit}")
    if request.seed < 0:
        raise InputError(f"seed: expected 0 or more, got {request.seed}")
    names = request.class_names
    if names is not None and (len(set(names)) != len(names) or len(names) < 2):
        raise InputError(f"class_names: expected two or more different names, got {list(names)}")


def _read(request: Request) -> Splits:
    """Return the images of a source, or say why there are none and what its folder looks like."""
    check_source(request.source, request.folder, request.options)
    record = find_source(request.source)
    try:
        return record.read(request)
    except InputError as error:
        # The folder of a source with many names may contain several data sets.
        hint = None if record.pattern else layout_hint(record.name, request.folder)
        if hint is None or hint in str(error):
            raise
        raise InputError(f"{error}; {hint}") from error


def _limit(images: ImageSet, per_class: int | None, seed: int) -> ImageSet:
    """Return at most `per_class` images of each class."""
    if per_class is None:
        return images
    return images.subset(choose_samples(images.labels, per_class, seed=seed))


def fingerprint(
    source: str, folder: str | Path | None = None, options: SourceOptions | None = None, **settings: object
) -> str:
    """Return a digest that changes when the content of a source changes, without reading it.

    Files: relative path, size and modification time of each but those of studies among them (class folders:
    of the pictures); pictograms: the version of the drawings; a factory: the file it is defined in, and the
    files of the folder if there is one. `settings` (image size, seed, counts, ...; any JSON values) are included
    verbatim. 64 hexadecimal digits.

    Raises InputError for an unknown source or a missing folder.

    >>> fingerprint("pictograms", seed=0) != fingerprint("pictograms", seed=1)
    True
    """
    record = find_source(source)
    content = list(record.stamp(source, options or {}))
    path = None if folder is None else Path(folder).expanduser()
    if path is not None or record.folder == "required":
        if path is None or not path.exists():
            raise InputError(f"folder {str(path)!r} does not exist; expected the images of source {source!r}")
        content += _file_states(record, path)
    text = json.dumps([source, content, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _file_states(record: Source, root: Path) -> Iterator[tuple[str, int, int]]:
    """Yield relative path, size and modification time of each file of a source."""
    for path in [root] if root.is_file() else sorted(record.files(root)):
        if path.is_file():
            state = path.stat()
            yield path.relative_to(root).as_posix(), state.st_size, state.st_mtime_ns
