"""CUB-200-2011 as it is unpacked: CUB_200_2011."""

from functools import partial
from pathlib import Path
from typing import TypeVar

from patternscope.errors import InputError
from patternscope.images.readers.boxes import Box
from patternscope.images.readers.classes import chosen_labels, relabelled
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.text_tables import parsed_rows

MARGIN = 0.1
Value = TypeVar("Value")


def open_cub(request: Request) -> Splits:
    """Return the birds of CUB-200-2011, split as train_test_split.txt says.

    The folder has images.txt, image_class_labels.txt, classes.txt, train_test_split.txt and images/; with
    `crop` also bounding_boxes.txt, and each bird is the square around its box and a `margin` (0.1 of its
    longer side). Classes are called as in classes.txt without their number: "Black footed Albatross".

    Raises InputError for a missing or unreadable table, an image that a table leaves out, an unknown class.
    """
    root = request.folder
    if root is None or not (root / "images.txt").is_file():
        raise InputError(f"folder {str(root)!r} has no images.txt; the folder CUB_200_2011 is needed")
    numbers = dict(parsed_rows(root / "classes.txt", lambda parts: (int(parts[0]), parts[1]), 2))
    names = [_called(numbers[number]) for number in sorted(numbers)]
    labels = {number: label for label, number in enumerate(sorted(numbers))}
    train, test = [], []
    for trained_on, picture in _pictures(root, labels, request):
        (train if trained_on else test).append(picture)
    chosen = chosen_labels(names, request.class_names)
    classes = tuple(names[label] for label in chosen)
    train, test = (relabelled(each, chosen) for each in (train, test))
    return open_pictures(classes, train, test, request, where=repr(str(root)))


def _called(folder: str) -> str:
    """001.Black_footed_Albatross -> Black footed Albatross."""
    return folder.partition(".")[2].replace("_", " ") or folder


def _pictures(root: Path, labels: dict[int, int], request: Request) -> list[tuple[bool, Picture]]:
    """Every picture, and whether it is to train on."""
    crop, margin = bool(request.options.get("crop")), request.options.get("margin")
    margin = MARGIN if margin is None else margin
    files = dict(parsed_rows(root / "images.txt", lambda parts: (int(parts[0]), parts[1]), 2))
    classes = _by_image(root / "image_class_labels.txt", files)
    trained_on = _by_image(root / "train_test_split.txt", files)
    boxes = _boxes(root / "bounding_boxes.txt", files) if crop else {}
    unknown = {number for number in classes.values() if number not in labels}
    if unknown:
        raise InputError(f"{root / 'image_class_labels.txt'} has class {min(unknown)}, not in classes.txt")
    return [
        (
            bool(trained_on[image]),
            Picture(
                f"images/{name}",
                labels[classes[image]],
                partial(load_picture, root / "images" / name),
                box=boxes.get(image),
                margin=margin,
            ),
        )
        for image, name in files.items()
    ]


def _by_image(path: Path, files: dict[int, str]) -> dict[int, int]:
    """A number for each image."""
    return _complete(path, dict(parsed_rows(path, lambda parts: (int(parts[0]), int(parts[1])), 2)), files)


def _boxes(path: Path, files: dict[int, str]) -> dict[int, Box]:
    """The box of each image: x, y, width, height."""
    rows = parsed_rows(path, lambda parts: (int(parts[0]), Box(*map(float, parts[1:]))), 5)
    return _complete(path, dict(rows), files)


def _complete(path: Path, found: dict[int, Value], files: dict[int, str]) -> dict[int, Value]:
    """What a table says of each image, or which image it leaves out."""
    missing = next((image for image in files if image not in found), None)
    if missing is not None:
        raise InputError(f"{path} has no row for image {missing} ({files[missing]})")
    return found
