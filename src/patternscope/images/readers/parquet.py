"""Images in parquet files, as Hugging Face's hub keeps them."""

import importlib.util
import io
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from patternscope.errors import InputError, nearest
from patternscope.images.readers.classes import chosen_labels
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures

_TRAIN, _HELD_OUT = ("train", "training"), ("test", "testing", "validation", "val", "valid", "dev")


class _Columns(NamedTuple):
    """Which columns are the image and the label, and the names of the labels where the file tells them."""

    image: str
    label: str
    names: list[str] | None


class _Rows(NamedTuple):
    """The labels of the row groups of a file."""

    path: Path
    groups: list[list[Any]]


class _Table:
    """A parquet file; the row group that was read last is kept, since rows are asked for in order."""

    def __init__(self, path: Path, column: str) -> None:
        self.path, self.column, self._group = path, column, -1
        self._images: list[Any] = []

    def picture(self, group: int, row: int) -> Image.Image:
        """Return the picture in a row of a row group."""
        if group != self._group:
            with _opened(self.path) as file:
                self._images = file.read_row_group(group, columns=[self.column]).column(0).to_pylist()
            self._group = group
        cell = self._images[row]
        data = cell.get("bytes") if isinstance(cell, Mapping) else cell
        if not isinstance(data, bytes):
            raise ValueError("the row holds no bytes of an image")
        return load_picture(io.BytesIO(data))


def open_parquet(request: Request) -> Splits:
    """Return the images of parquet files, as `datasets` writes them: a column of encoded images, one of labels.

    Needs the extra `parquet`. The folder (or one below it, such as data/) has files called train-... and
    test-... or validation-..., or folders of these names. Test comes before validation where it has labels;
    without either a seeded 20 % of every class is held out. Columns are found by what the file says of
    itself, or named by `image_column` and `label_column`. `class_names` takes some of the classes, or names
    labels that are bare numbers.

    Raises InputError for no such file, columns that can't be told, rows without a label.
    """
    root = request.folder
    if root is None or not root.is_dir():
        raise InputError(f"folder {str(root)!r} is not there; a folder with parquet files is needed")
    files = _split_files(root)
    columns = _columns(files["train"][0], request)
    train = [_rows(path, columns) for path in files.pop("train")]
    test = _first_labelled([[_rows(path, columns) for path in paths] for paths in files.values()])
    if not _labelled(train) or (files and test is None):
        raise InputError(f"{root}: column {columns.label!r} has rows without a label; each image needs one")
    values, names = _values(columns, [*train, *(test or ())], request)
    wanted = [values[at] for at in chosen_labels(names, request.class_names)]
    places = {value: place for place, value in enumerate(wanted)}
    parts = [_pictures(root, rows, columns.image, places) for rows in (train, test or [])]
    classes = tuple(names[values.index(value)] for value in wanted)
    return open_pictures(classes, parts[0], parts[1] if test else None, request, where=repr(str(root)))


def _opened(path: Path) -> Any:
    """A parquet file, opened."""
    if importlib.util.find_spec("pyarrow") is None:
        raise InputError("source 'parquet' needs pyarrow: pip install 'patternscope[parquet]'")
    from pyarrow.parquet import ParquetFile  # pyright: ignore[reportMissingImports]

    try:
        return ParquetFile(path)
    except (OSError, ValueError) as error:  # what all of pyarrow's errors are
        raise InputError(f"{path} cannot be read as parquet: {' '.join(str(error).split()):.120}") from error


def _split_files(root: Path) -> dict[str, list[Path]]:
    """The files of each split, "train" first; all are "train" where no name tells."""
    paths = [path for path in sorted(root.rglob("*.parquet")) if not path.name.startswith(".")]
    if not paths:
        raise InputError(f"folder {str(root)!r} has no parquet file; train-... and test-... are needed")
    found: dict[str, list[Path]] = {}
    places = set()
    for path in paths:
        split = _split_of(path.relative_to(root))
        found.setdefault(split or "", []).append(path)
        places.add(path.parent.parent if path.parent.name == split else path.parent)
    if len(places) > 1:
        some = ", ".join(sorted(place.relative_to(root).as_posix() for place in places)[:6])
        raise InputError(
            f"folder {str(root)!r} has parquet files of several sets ({some}); name the folder of one"
        )
    order = [name for name in (*_TRAIN, *_HELD_OUT) if name in found]
    if not order:
        return {"train": paths}
    if order[0] not in _TRAIN:
        raise InputError(f"folder {str(root)!r} has parquet files of {order}; train is needed")
    return {"train": found[order[0]], **{name: found[name] for name in order[1:]}}


def _split_of(path: Path) -> str | None:
    """The split that a file's name begins with, or that its folder is called."""
    for name in (re.split(r"[-_.]", path.name)[0].lower(), path.parent.name.lower()):
        if name in (*_TRAIN, *_HELD_OUT):
            return name
    return None


def _columns(path: Path, request: Request) -> _Columns:
    """The columns of image and label: as named, or as the file says of itself."""
    with _opened(path) as file:
        schema = file.schema_arrow
    said = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    kinds = {name: each.get("_type") if isinstance(each, dict) else None for name, each in said.items()}
    images = [
        name for name in schema.names if kinds.get(name) == "Image" or _holds_bytes(schema.field(name).type)
    ]
    labels = [name for name in schema.names if kinds.get(name) == "ClassLabel"] or [
        name for name in schema.names if name in ("label", "labels", "class", "target")
    ]
    image = _one(request.options.get("image_column"), images, schema.names, "image_column", path)
    label = _one(request.options.get("label_column"), labels, schema.names, "label_column", path)
    return _Columns(image, label, said[label].get("names") if kinds.get(label) == "ClassLabel" else None)


def _holds_bytes(kind: Any) -> bool:
    """Whether a column's type is that of encoded images."""
    from pyarrow import types  # pyright: ignore[reportMissingImports]

    if types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return types.is_binary(kind) or types.is_large_binary(kind)


def _one(asked: str | None, found: Sequence[str], names: Sequence[str], setting: str, path: Path) -> str:
    """The column asked for, or the only one found."""
    if asked is not None and asked not in names:
        raise InputError(f"{setting} is {asked!r}, no column of {path.name}; {nearest(asked, names)}")
    if asked is None and len(found) != 1:
        columns = ", ".join(names)
        raise InputError(
            f"{path}: {len(found)} columns may be it; set {setting} to one of its columns: {columns}"
        )
    return asked or found[0]


def _rows(path: Path, columns: _Columns) -> _Rows:
    """The labels in a file, by row groups."""
    with _opened(path) as file:
        names = file.schema_arrow.names
        for name in (columns.image, columns.label):
            if name not in names:
                raise InputError(f"{path} has no column {name!r}; it has {', '.join(names)}")
        count = file.num_row_groups
        groups = [
            file.read_row_group(at, columns=[columns.label]).column(0).to_pylist() for at in range(count)
        ]
    return _Rows(path, groups)


def _labels(rows: Sequence[_Rows]) -> list[Any]:
    """All labels of some files."""
    return [label for each in rows for group in each.groups for label in group]


def _labelled(rows: Sequence[_Rows]) -> bool:
    """Whether there are rows, and each has a label: the hub writes -1 where there is none."""
    labels = _labels(rows)
    return bool(labels) and all(isinstance(each, str) or (each is not None and each >= 0) for each in labels)


def _first_labelled(splits: Sequence[list[_Rows]]) -> list[_Rows] | None:
    """The first held-out split that has labels."""
    return next((rows for rows in splits if _labelled(rows)), None)


def _values(columns: _Columns, rows: Sequence[_Rows], request: Request) -> tuple[list[Any], list[str]]:
    """The values that labels take, and the name of each."""
    labels = _labels(rows)
    if columns.names is not None:
        names = list(columns.names)
    elif all(isinstance(each, str) for each in labels):
        texts = sorted(set(labels))
        return list(texts), texts
    elif all(isinstance(each, int) for each in labels):
        names = list(request.class_names or map(str, range(max(labels) + 1)))
    else:
        raise InputError(
            f"column {columns.label!r} holds labels like {labels[0]!r}; numbers or texts are needed"
        )
    if max(labels) >= len(names):
        raise InputError(f"column {columns.label!r} holds label {max(labels)}; there are {len(names)} names")
    return list(range(len(names))), names


def _pictures(root: Path, rows: Sequence[_Rows], column: str, places: Mapping[Any, int]) -> list[Picture]:
    """The pictures whose label is wanted, in the order of files and rows."""
    pictures = []
    for path, groups in rows:
        table, name = _Table(path, column), path.relative_to(root).as_posix()
        starts = itertools.accumulate(map(len, groups), initial=0)
        for group, (start, labels) in enumerate(zip(starts, groups, strict=False)):
            pictures += [
                Picture(f"{name} row {start + row}", places[label], partial(table.picture, group, row))
                for row, label in enumerate(labels)
                if label in places
            ]
    return pictures
