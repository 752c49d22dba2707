"""Images in parquet files, as stored on Hugging Face's hub."""

import importlib.util
import io
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.image_set import label_classes
from patternscope.images.readers.pictures import Picture, open_classes, relabel
from patternscope.images.readers.source import Layout, Option, Request, Source, Splits

IMAGE_COLUMN, LABEL_COLUMN = (
    Option[str | None](f"{what}_column", str, f"column of the {what}s; detected automatically if only one fits", None)
    for what in ("image", "label")
)
_TRAIN, _HELD_OUT = ("train", "training"), ("test", "testing", "validation", "val", "valid", "dev")
_LABEL_NAMES = ("label", "labels", "class", "target")


class _Columns(NamedTuple):
    """The columns of image and label, and the names of the labels, if the file has them."""

    image: str
    label: str
    names: list[str] | None


class _PictureColumn:
    """The pictures of a file; the last row group is cached, since rows are read in order."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self._group, self._cells = -1, None

    def picture(self, group: int, row: int) -> Image.Image:
        """Return the picture in a row of a row group."""
        if self._cells is None or group != self._group:
            with _open(self.path) as file:
                self._cells, self._group = file.read_row_group(group, columns=[self.name]).column(0), group
        cell = self._cells[row].as_py()
        data = cell.get("bytes") if isinstance(cell, Mapping) else cell
        if not isinstance(data, bytes):
            raise ValueError("the row holds no bytes of an image")
        return load_picture(io.BytesIO(data))


def open_parquet(request: Request) -> Splits:
    """Return the images of parquet files, as `datasets` writes them: a column of encoded images, one of labels.

    Needs the extra `parquet`. The folder (or one below it, such as data/) has files called train-... and
    test-... or validation-..., or folders of these names. Test comes before validation if it has labels; without
    either, a seeded 20 % of every class is held out. Columns are detected by the file's metadata and types, or named by
    `image_column` and `label_column`. `class_names` selects some of the classes, or names labels that are bare numbers.
    """
    root = request.folder_with(expected="a folder of parquet files")
    files = _split_files(root)
    columns = _find_columns(files["train"][0], request)
    train, *others = (_list_pictures(root, paths, columns) for paths in files.values())
    test = next((pictures for pictures in others if _are_labelled(pictures)), None)
    if not _are_labelled(train) or (others and test is None):
        raise InputError(f"{root}: expected a {columns.label!r} per row, got rows without one")
    values, names = _label_values(columns, [picture.label for picture in (*train, *(test or ()))], request)
    held_out = None if test is None else relabel(test, values)
    return open_classes(names, relabel(train, values), held_out, request, where=repr(str(root)))


def _open(path: Path) -> Any:
    """Open a parquet file."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError("source 'parquet' needs pyarrow: pip install 'patternscope[parquet]'")
    from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingImports]

    try:
        return ParquetFile(path)
    except (OSError, ValueError) as error:  # the bases of all of pyarrow's errors
        raise InputError(f"{path}: expected a parquet file ({' '.join(str(error).split()):.120})") from error


def _split_files(root: Path) -> dict[str, list[Path]]:
    """Return the files of each split, "train" first; all are "train" if no name is that of a split."""
    paths = [path for path in sorted(root.rglob("*.parquet")) if not path.name.startswith(".")]
    if not paths:
        raise InputError(f"folder {str(root)!r}: expected parquet files train-... and test-..., got none")
    splits: dict[str, list[Path]] = {}
    places = set()
    for path in paths:
        split = _split_of(path.relative_to(root))
        splits.setdefault(split, []).append(path)
        places.add(path.parent.parent if path.parent.name == split else path.parent)
    if len(places) > 1:
        some = ", ".join(sorted(place.relative_to(root).as_posix() for place in places)[:6])
        raise InputError(f"folder {str(root)!r}: expected files of one data set, got several ({some})")
    order = [name for name in (*_TRAIN, *_HELD_OUT) if name in splits]
    if not order:
        return {"train": paths}
    if order[0] not in _TRAIN:
        raise InputError(f"folder {str(root)!r}: expected files of train, got those of {', '.join(order)}")
    return {"train": splits[order[0]], **{name: splits[name] for name in order[1:]}}


def _split_of(path: Path) -> str:
    """Return the split with which a file's name begins, or that is its folder's name; "" for neither."""
    names = (re.split(r"[-_.]", path.name)[0].lower(), path.parent.name.lower())
    return next((name for name in names if name in (*_TRAIN, *_HELD_OUT)), "")


def _find_columns(path: Path, request: Request) -> _Columns:
    """Return the columns of image and label: as named, or by the file's metadata and types."""
    with _open(path) as file:
        schema = file.schema_arrow
    try:
        about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = about.get("info", {}).get("features", {})
        kinds = {name: kind.get("_type") if isinstance(kind, dict) else None for name, kind in features.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: expected metadata of Hugging Face in JSON, got {type(error).__name__}") from error
    images = [field.name for field in schema if kinds.get(field.name) == "Image" or _holds_bytes(field.type)]
    labels = [name for name in schema.names if kinds.get(name) == "ClassLabel"] or [
        name for name in schema.names if name in _LABEL_NAMES
    ]
    image = _select(request.option(IMAGE_COLUMN), images, schema.names, IMAGE_COLUMN.name, path)
    label = _select(request.option(LABEL_COLUMN), labels, schema.names, LABEL_COLUMN.name, path)
    return _Columns(image, label, features[label].get("names") if kinds.get(label) == "ClassLabel" else None)


def _holds_bytes(kind: Any) -> bool:
    """Tell whether a column's type is that of encoded images."""
    from pyarrow import types  # pyright: ignore[reportMissingImports]

    if types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return types.is_binary(kind) or types.is_large_binary(kind)


def _select(asked: str | None, candidates: Sequence[str], names: Sequence[str], setting: str, path: Path) -> str:
    """Return the requested column, or the only candidate."""
    if asked is not None and asked not in names:
        raise InputError(f"{setting}: expected a column, got {asked!r}; {nearest(asked, names)}")
    if asked is None and len(candidates) != 1:
        raise InputError(f"{path}: expected one {setting}, got {len(candidates)}; set it to one of {', '.join(names)}")
    return asked or candidates[0]


def _list_pictures(root: Path, paths: Sequence[Path], columns: _Columns) -> list[Picture]:
    """Return the pictures of some files in the order of their rows, labelled as the files do."""
    pictures = []
    for path in paths:
        with _open(path) as file:
            names = file.schema_arrow.names
            missing = [name for name in (columns.image, columns.label) if name not in names]
            if missing:
                raise InputError(f"{path}: expected a column {missing[0]!r}, got {', '.join(names)}")
            labels = file.read(columns=[columns.label]).column(0).to_pylist()
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        column, name = _PictureColumn(path, columns.image), path.relative_to(root).as_posix()
        positions = [(group, row) for group, size in enumerate(sizes) for row in range(size)]
        pictures += [
            Picture(f"{name} row {row}", label, partial(column.picture, *position))
            for row, (label, position) in enumerate(zip(labels, positions, strict=True))
        ]
    return pictures


def _are_labelled(pictures: Sequence[Picture]) -> bool:
    """Tell whether there are pictures and all have a label: the hub writes -1 for a missing one."""
    labels: list[Any] = [picture.label for picture in pictures]
    return bool(labels) and all(isinstance(label, str) or (label is not None and label >= 0) for label in labels)


def _label_values(columns: _Columns, labels: Sequence[Any], request: Request) -> tuple[list[Any], list[str]]:
    """Return the values that labels take, and the name of each."""
    if columns.names is None and all(isinstance(label, str) for label in labels):
        names = sorted(set(labels))
        return names, names
    if not all(isinstance(label, int) for label in labels):
        raise InputError(f"column {columns.label!r}: expected numbers or texts, got {labels[0]!r}")
    classes = label_classes(labels, columns.names or request.class_names, f"column {columns.label!r}")
    return list(classes), list(classes.values())


SOURCE = Source(
    name="parquet",
    read=open_parquet,
    options=(IMAGE_COLUMN, LABEL_COLUMN),
    layouts=(
        Layout("Hugging Face's parquet files", ("*.parquet",)),
        Layout("Hugging Face's parquet files", ("*/*.parquet",)),
    ),
)
