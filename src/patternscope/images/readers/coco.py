"""COCO: objects cut out of its pictures by their boxes, with their outlines."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from patternscope.errors import InputError
from patternscope.images.readers.boxes import MARGIN, Box, Cut
from patternscope.images.readers.outlines import draw_outline
from patternscope.images.readers.pictures import Picture, open_classes, relabel
from patternscope.images.readers.source import Layout, Option, Request, Source, Splits

SMALLEST_BOX = Option("smallest_box", Annotated[int, Field(ge=1)], "least pixels of a box's shorter side", 32)


def open_coco(request: Request) -> Splits:
    """Return the objects of COCO, each the square around its box and a `margin` (0.1 of its longer side).

    The folder has annotations/instances_train2014.json and instances_val2014.json (or of 2017) and the
    pictures in train2014 and val2014, or these in images/. Crowds are omitted, and boxes whose shorter side
    is below `smallest_box` pixels (32). Masks are the objects' polygons or run lengths. Held-out objects are those of
    val. Boxes refer to the picture as stored or turned upright: the one that has the width and height stated by COCO.
    """
    root = request.folder_with("annotations", expected="COCO's folder")
    (categories, train), (_, test) = (_read_instances(root, split, request) for split in ("train", "val"))
    ids = sorted(categories)
    names = [categories[id_] for id_ in ids]
    return open_classes(names, relabel(train, ids), relabel(test, ids), request, where=repr(str(root)))


def _read_instances(root: Path, split: str, request: Request) -> tuple[dict[int, str], list[Picture]]:
    """Return the names of categories by id, and the objects of a split, labelled by that id."""
    files = sorted((root / "annotations").glob(f"instances_{split}*.json"))
    if len(files) != 1:
        expected = f"one file annotations/instances_{split}2014.json (or of 2017)"
        raise InputError(f"folder {str(root)!r}: expected {expected}, got {len(files)}")
    folder = _pictures_folder(root, files[0].stem.removeprefix("instances_"))
    try:
        content = json.loads(files[0].read_bytes())
        categories = {category["id"]: category["name"] for category in content["categories"]}
        images = {image["id"]: image for image in content["images"]}
        objects = [
            _picture(annotation, folder, images[annotation["image_id"]], request.option(MARGIN))
            for annotation in content["annotations"]
            if _is_selected(annotation, request.option(SMALLEST_BOX))
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()):.80}"
        raise InputError(f"{files[0]}: expected a file of COCO's instances, got {reason}") from error
    return categories, objects


def _pictures_folder(root: Path, name: str) -> Path:
    """Return the folder of a split's pictures."""
    for folder in (root / name, root / "images" / name):
        if folder.is_dir():
            return folder
    raise InputError(f"folder {str(root)!r}: expected COCO's pictures in {name} or images/{name}, got neither")


def _is_selected(annotation: dict[str, Any], smallest: int) -> bool:
    """Tell whether an annotation is of one object, and of enough pixels."""
    return not annotation.get("iscrowd") and min(annotation["bbox"][2:]) >= smallest


def _picture(annotation: dict[str, Any], folder: Path, image: dict[str, Any], margin: float) -> Picture:
    """Return one object, labelled by the id of its category."""
    size = (image["width"], image["height"])
    cut = Cut(folder / image["file_name"], Box(*annotation["bbox"]), margin, size)
    segmentation = annotation.get("segmentation")
    return Picture(
        f"{folder.name}/{image['file_name']} object {annotation['id']}",
        annotation["category_id"],
        cut.picture,
        mask=partial(cut.mask, partial(draw_outline, segmentation, size)) if segmentation else None,
    )


SOURCE = Source(
    name="coco",
    read=open_coco,
    options=(MARGIN, SMALLEST_BOX),
    layouts=(Layout("COCO", ("annotations/instances_*.json",)),),
    passes_for_class_folders=True,
)
