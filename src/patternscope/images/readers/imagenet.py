"""ImageNet's layout: folders of synsets in train and val."""

from pathlib import Path

from patternscope.errors import InputError
from patternscope.images.readers.files import folders_in, picture_files
from patternscope.images.readers.folder import list_pictures
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.source import Layout, Request, Source, Splits
from patternscope.images.readers.synsets import PRESET, read_words, select_synsets, table_pictures
from patternscope.images.readers.text_tables import read_rows

_WORD_FILES = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")
_SOLUTION = "LOC_val_solution.csv"
_KAGGLE = "ILSVRC/Data/CLS-LOC"


def open_imagenet(request: Request) -> Splits:
    """Return images in ImageNet's layout; those held out are the validation images.

    train/WNID and val/WNID, or Kaggle's ILSVRC/Data/CLS-LOC with LOC_val_solution.csv for a val without
    folders. LOC_synset_mapping.txt, synset_words.txt or words.txt in the folder, where one exists, name the
    classes. `class_names` are ids or words, `preset = "paper"` is the ten classes of the paper. Only the
    images taken of each class are read.
    """
    root = request.folder_with(expected="ImageNet's train and val")
    inside = root / _KAGGLE if (root / _KAGGLE).is_dir() else root
    _check_split(inside, "train")
    known = [folder.name for folder in folders_in(inside / "train")]
    wnids, classes = select_synsets(known, read_words(root, *_WORD_FILES), request)
    train = list_pictures(inside, enumerate(inside / "train" / wnid for wnid in wnids))
    return open_pictures(classes, train, _held_out(root, inside, wnids), request, repr(str(inside / "train")))


def _check_split(inside: Path, split: str) -> None:
    """Refuse a folder without that of a split."""
    if not (inside / split).is_dir():
        raise InputError(f"folder {str(inside)!r}: expected ImageNet's train and val, got no {split} in it")


def _held_out(root: Path, inside: Path, wnids: list[str]) -> list[Picture]:
    """Return the validation images, by folders or by Kaggle's table."""
    _check_split(inside, "val")
    val = inside / "val"
    pictures = list_pictures(inside, enumerate(val / wnid for wnid in wnids))
    if pictures:
        return pictures
    if not (root / _SOLUTION).is_file():
        loose = len(picture_files(val))
        raise InputError(f"{val}: expected folders val/WNID or {_SOLUTION}, got {loose} pictures without a class")
    rows = read_rows(root / _SOLUTION, 2, ",")[1:]
    return table_pictures(val, ((f"{name}.JPEG", boxes.split()[0]) for name, boxes in rows), wnids)


SOURCE = Source(
    name="imagenet",
    read=open_imagenet,
    options=(PRESET,),
    layouts=(Layout("ImageNet", ("train/n" + "[0-9]" * 8 + "/",)), Layout("ImageNet", (f"{_KAGGLE}/train/",))),
)
