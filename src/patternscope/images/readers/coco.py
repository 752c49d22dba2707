"""COCO: objects cut out of its pictures by their boxes, with their outlines."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from patternscope.errors import InputError
from patternscope.images.readers.boxes import Box
from patternscope.images.readers.classes import chosen_labels, relabelled
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures

MARGIN, SMALLEST_BOX = 0.1, 32


class _Instances(NamedTuple):
    """What an instances file says: names of categories by id, and the objects, whose label is that id."""

    categories: dict[int, str]
    objects: list[Picture]


class _Outline(NamedTuple):
    """Draws the mask of an object, bool (h, w): its polygons (x, y, x, y, ...) in a picture of a size (w, h)."""

    polygons: Sequence[Sequence[float]]
    size: tuple[int, int]

    def __call__(self) -> np.ndarray:
        canvas = Image.new("L", self.size)
        for polygon in self.polygons:
            ImageDraw.Draw(canvas).polygon(list(polygon), fill=255)
        return np.asarray(canvas) > 0


def open_coco(request: Request) -> Splits:
    """Return the objects of COCO, each the square around its box and a `margin` (0.1 of its longer side).

    The folder has annotations/instances_train2014.json and instances_val2014.json (or of 2017) and the
    pictures in train2014 and val2014, or these in images/. Crowds are left out, and boxes whose shorter side
    is below `smallest_box` pixels (32). Masks are the objects' polygons. Held-out objects are those of val.

    Raises InputError for a missing or unreadable file, an unknown class.
    """
    root = request.folder
    if root is None or not (root / "annotations").is_dir():
        raise InputError(f"folder {str(root)!r} has no folder annotations; COCO's folder is needed")
    train, test = (_instances(root, split, request) for split in ("train", "val"))
    ids = sorted(train.categories)
    names = [train.categories[each] for each in ids]
    wanted = [ids[label] for label in chosen_labels(names, request.class_names)]
    classes = tuple(train.categories[each] for each in wanted)
    held_out = relabelled(test.objects, wanted)
    return open_pictures(classes, relabelled(train.objects, wanted), held_out, request, where=repr(str(root)))


def _instances(root: Path, split: str, request: Request) -> _Instances:
    """The objects of a split."""
    files = sorted((root / "annotations").glob(f"instances_{split}*.json"))
    if len(files) != 1:
        wanted = f"annotations/instances_{split}2014.json (or of 2017)"
        raise InputError(f"folder {str(root)!r} has {len(files)} files like {wanted}; one is needed")
    pictures = _pictures_folder(root, files[0].stem.removeprefix("instances_"))
    try:
        content = json.loads(files[0].read_bytes())
        categories = {each["id"]: each["name"] for each in content["categories"]}
        sizes = {
            each["id"]: (each["file_name"], (each["width"], each["height"])) for each in content["images"]
        }
        objects = [
            _picture(each, pictures, *sizes[each["image_id"]], request)
            for each in content["annotations"]
            if _is_taken(each, request)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()):.80}"
        raise InputError(f"{files[0]} is no file of COCO's instances ({reason})") from error
    return _Instances(categories, objects)


def _pictures_folder(root: Path, name: str) -> Path:
    """The folder of a split's pictures."""
    for folder in (root / name, root / "images" / name):
        if folder.is_dir():
            return folder
    raise InputError(
        f"folder {str(root)!r} has no folder {name}, nor images/{name}; COCO's pictures are needed"
    )


def _is_taken(annotation: dict[str, Any], request: Request) -> bool:
    """Whether an object is one, and large enough to be looked at."""
    smallest = request.options.get("smallest_box")
    return not annotation.get("iscrowd") and min(annotation["bbox"][2:]) >= (smallest or SMALLEST_BOX)


def _picture(
    annotation: dict[str, Any], folder: Path, name: str, size: tuple[int, int], request: Request
) -> Picture:
    """One object; its label is the id of its category."""
    margin = request.options.get("margin")
    return Picture(
        f"{folder.name}/{name} object {annotation['id']}",
        annotation["category_id"],
        partial(load_picture, folder / name),
        box=Box(*annotation["bbox"]),
        margin=MARGIN if margin is None else margin,
        mask=_Outline(annotation.get("segmentation") or (), size),
    )
