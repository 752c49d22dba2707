"""CUB-200-2011 as unpacked: CUB_200_2011."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from patternscope.errors import InputError
from patternscope.images.readers.boxes import MARGIN, Box, Cut
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.pictures import Picture, open_classes
from patternscope.images.readers.source import Layout, Option, Request, Source, Splits
from patternscope.images.readers.text_tables import read_rows

CROP = Option("crop", bool, "cut out the objects by their boxes; coco always does", False)


def open_cub(request: Request) -> Splits:
    """Return the birds of CUB-200-2011, split as train_test_split.txt says.

    The folder has images.txt, image_class_labels.txt, classes.txt, train_test_split.txt and images/; with
    `crop` also bounding_boxes.txt, and each bird is the square around its box and a `margin` (0.1 of its
    longer side). Classes are called as in classes.txt without their number: "Black footed Albatross".
    """
    root = request.folder_with("images.txt", expected="CUB_200_2011")
    folders = dict(read_rows(root / "classes.txt", 2, parse=lambda row: (int(row[0]), row[1])))
    names = [_class_name(folders[number]) for number in sorted(folders)]
    labels = {number: label for label, number in enumerate(sorted(folders))}
    splits: tuple[list[Picture], list[Picture]] = ([], [])
    for is_train, picture in _pictures(root, labels, request):
        splits[0 if is_train else 1].append(picture)
    return open_classes(names, *splits, request, where=repr(str(root)))


def _class_name(folder: str) -> str:
    """Turn 001.Black_footed_Albatross into Black footed Albatross."""
    return folder.partition(".")[2].replace("_", " ") or folder


def _pictures(root: Path, labels: dict[int, int], request: Request) -> list[tuple[int, Picture]]:
    """Return every picture, and whether it is to train on."""
    files = dict(read_rows(root / "images.txt", 2, parse=lambda row: (int(row[0]), row[1])))
    table = root / "image_class_labels.txt"
    classes = _per_image(table, files)
    is_train = _per_image(root / "train_test_split.txt", files)
    boxes = (
        _per_image(root / "bounding_boxes.txt", files, 5, lambda row: Box(*map(float, row)))
        if request.option(CROP)
        else {}
    )
    if unknown := set(classes.values()) - set(labels):
        raise InputError(f"{table}: expected classes of classes.txt, got {min(unknown)}")
    margin = request.option(MARGIN)
    return [
        (
            is_train[image],
            Picture(f"images/{name}", labels[classes[image]], _load(root, name, boxes.get(image), margin)),
        )
        for image, name in files.items()
    ]


def _load(root: Path, name: str, box: Box | None, margin: float) -> Callable[[], Image.Image]:
    """Return what opens a picture, or the part of it around a box."""
    path = root / "images" / name
    return partial(load_picture, path) if box is None else Cut(path, box, margin).picture


def _per_image(
    path: Path, files: dict[int, str], columns: int = 2, parse: Callable[[list[str]], Any] = lambda row: int(row[0])
) -> dict[int, Any]:
    """Return a value per image, by its number in the first column; InputError that names an image without one."""
    values = dict(read_rows(path, columns, parse=lambda row: (int(row[0]), parse(row[1:]))))
    missing = next((image for image in files if image not in values), None)
    if missing is not None:
        raise InputError(f"{path}: expected a row per image, got none for image {missing} ({files[missing]})")
    return values


SOURCE = Source(
    name="cub",
    read=open_cub,
    options=(CROP, MARGIN),
    layouts=(Layout("CUB-200-2011", ("images.txt", "image_class_labels.txt")),),
    passes_for_class_folders=True,
)
