"""ImageNet's layout: folders of synsets in train and val."""

from functools import partial
from pathlib import Path

from patternscope.errors import InputError
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.folder import folders_in, listed, picture_files
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.synsets import chosen_synsets, read_words
from patternscope.images.readers.text_tables import read_rows

_WORD_FILES = ("LOC_synset_mapping.txt", "synset_words.txt", "words.txt")
_SOLUTION = "LOC_val_solution.csv"
_KAGGLE = Path("ILSVRC", "Data", "CLS-LOC")


def open_imagenet(request: Request) -> Splits:
    """Return images in ImageNet's layout; those held out are the validation images.

    train/WNID and val/WNID, or Kaggle's ILSVRC/Data/CLS-LOC with LOC_val_solution.csv for a val without
    folders. LOC_synset_mapping.txt, synset_words.txt or words.txt in the folder, where one is there, name the
    classes. `class_names` are ids or words, `preset = "paper"` is the ten classes of the paper. Only the
    images taken of each class are read.

    Raises InputError for missing folders, an unknown class, a class without pictures.
    """
    root = request.folder
    inside = None if root is None else root / _KAGGLE if (root / _KAGGLE).is_dir() else root
    if root is None or inside is None or not (inside / "train").is_dir():
        raise InputError(f"folder {str(root)!r} has no folder train; ImageNet's train and val are needed")
    named = next((root / name for name in _WORD_FILES if (root / name).is_file()), None)
    words = {} if named is None else read_words(named)
    wnids, classes = chosen_synsets([each.name for each in folders_in(inside / "train")], words, request)
    train = listed(inside, [inside / "train" / wnid for wnid in wnids])
    return open_pictures(classes, train, _held_out(root, inside, wnids), request, repr(str(inside / "train")))


def _held_out(root: Path, inside: Path, wnids: list[str]) -> list[Picture]:
    """The validation images, by folders or by Kaggle's table."""
    val = inside / "val"
    if not val.is_dir():
        raise InputError(f"folder {str(inside)!r} has no folder val; ImageNet's train and val are needed")
    found = listed(inside, [val / wnid for wnid in wnids])
    if found:
        return found
    if not (root / _SOLUTION).is_file():
        loose = len(picture_files(val))
        raise InputError(
            f"{val} holds {loose} pictures and none in a folder of its class; val/WNID or {_SOLUTION} is needed"
        )
    labels = {wnid: label for label, wnid in enumerate(wnids)}
    rows = [(name, boxes.split()[0]) for name, boxes in read_rows(root / _SOLUTION, 2, ",")[1:]]
    return [
        Picture(f"val/{name}.JPEG", labels[wnid], partial(load_picture, val / f"{name}.JPEG"))
        for name, wnid in rows
        if wnid in labels
    ]
