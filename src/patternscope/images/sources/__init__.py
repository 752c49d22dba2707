"""Where images come from: drawn pictograms, class folders, IDX files, arrays; all become an `ImageSet`."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.images.pictograms import DRAWING_VERSION
from patternscope.images.selection import choose_samples
from patternscope.images.sources.arrays import open_arrays
from patternscope.images.sources.folder import open_folder
from patternscope.images.sources.generated import open_pictograms
from patternscope.images.sources.idx import open_idx
from patternscope.images.sources.image_set import ImageSet, Progress, Request, Splits

__all__ = ["SOURCES", "ImageSet", "Progress", "Request", "Splits", "fingerprint", "open_images"]

SOURCES: dict[str, Callable[[Request], Splits]] = {
    "pictograms": open_pictograms,
    "folder": open_folder,
    "idx": open_idx,
    "arrays": open_arrays,
}
"""The opener of each source by its name."""

_SMALLEST = 16


def _check(source: str, request: Request) -> None:
    """Refuse what no opener can do."""
    if source not in SOURCES:
        raise InputError(f"source is {source!r}, which is not known; {nearest(source, SOURCES)}")
    if request.image_size < _SMALLEST:
        raise InputError(f"image_size is {request.image_size}; it must be {_SMALLEST} or more")
    if request.channels not in (1, 3):
        raise InputError(f"channels is {request.channels}; it must be 1 or 3")
    if request.seed < 0:
        raise InputError(f"seed is {request.seed}; it must be 0 or more")
    if source == "pictograms" and request.folder is not None:
        raise InputError("folder is given, but pictograms are drawn; leave it out or name another source")
    names = request.class_names
    if names is not None and (len(set(names)) != len(names) or len(names) < 2):
        raise InputError(f"class_names is {list(names)}; two or more different names are needed")


def _limited(images: ImageSet, per_class: int | None, seed: int) -> ImageSet:
    """At most `per_class` images of each class."""
    if per_class is None:
        return images
    return images.subset(choose_samples(images.labels, per_class, seed=seed))


def open_images(
    source: str,
    *,
    folder: str | Path | None = None,
    image_size: int = 64,
    channels: int = 3,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Splits:
    """Open a source of images: those to train on and those held out.

    Source: this project. `source` is one of SOURCES; `folder` where its files are (a file for one .npz);
    images become uint8 (channels, image_size, image_size). The counts per class are how many pictograms are
    drawn (500 and 100 by default) or at most taken of files (all by default), chosen with the seed.
    `progress` is called with (done, total).

    Raises InputError for an unknown source, a size below 16, channels other than 1 or 3, and whatever the
    source lacks.

    >>> splits = open_images("pictograms", image_size=16, train_per_class=2, test_per_class=2)
    >>> splits.train.classes[:3], splits.train[0][0].shape
    (('bridge', 'bus', 'car'), torch.Size([3, 16, 16]))
    """
    request = Request(
        folder=None if folder is None else Path(folder).expanduser(),
        image_size=image_size,
        channels=channels,
        seed=seed,
        train_per_class=train_per_class,
        test_per_class=test_per_class,
        class_names=None if class_names is None else tuple(class_names),
        progress=progress,
    )
    _check(source, request)
    splits = SOURCES[source](request)
    return Splits(_limited(splits.train, train_per_class, seed), _limited(splits.test, test_per_class, seed))


def _files(path: Path) -> Iterator[tuple[str, int, int]]:
    """Relative path, size and time of each visible file."""
    inside = [path] if path.is_file() else sorted(path.rglob("*"))
    for each in inside:
        relative = each.relative_to(path)
        if each.is_file() and not any(part.startswith(".") for part in relative.parts):
            seen = each.stat()
            yield relative.as_posix(), seen.st_size, seen.st_mtime_ns


def fingerprint(source: str, folder: str | Path | None = None, **settings: object) -> str:
    """Return a digest that changes when the content of a source changes, without reading it.

    Source: this project. Files: relative path, size and modification time of each; pictograms: the version of
    the drawings. `settings` (image size, seed, counts, ...; any JSON values) go into it as they are. 64
    hexadecimal digits.

    Raises InputError for an unknown source or a missing folder.

    >>> fingerprint("pictograms", seed=0) != fingerprint("pictograms", seed=1)
    True
    """
    if source not in SOURCES:
        raise InputError(f"source is {source!r}, which is not known; {nearest(source, SOURCES)}")
    if source == "pictograms":
        content: object = DRAWING_VERSION
    else:
        path = None if folder is None else Path(folder).expanduser()
        if path is None or not path.exists():
            raise InputError(f"folder {str(path)!r} is not there; the place of the {source} images is needed")
        content = list(_files(path))
    text = json.dumps([source, content, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
