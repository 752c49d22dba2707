"""Tiny ImageNet as unpacked: tiny-imagenet-200."""

from pathlib import Path

from patternscope.errors import InputError
from patternscope.images.readers.folder import list_pictures
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.source import Layout, Request, Source, Splits
from patternscope.images.readers.synsets import PRESET, read_words, select_synsets, table_pictures
from patternscope.images.readers.text_tables import read_rows


def open_tiny_imagenet(request: Request) -> Splits:
    """Return the images of Tiny ImageNet; those held out are its validation images.

    The folder has wnids.txt, words.txt, train/WNID/images and val/images with val/val_annotations.txt; or
    val/WNID if they have been sorted already. Its test images have no labels. `class_names` are ids or
    words of classes, `preset = "paper"` is the ten classes of the paper.
    """
    root = request.folder_with("wnids.txt", expected="tiny-imagenet-200")
    known = [wnid for (wnid,) in read_rows(root / "wnids.txt", 1)]
    wnids, classes = select_synsets(known, read_words(root, "words.txt"), request)
    train = list_pictures(root, enumerate(root / "train" / wnid for wnid in wnids))
    return open_pictures(classes, train, _held_out(root, wnids), request, where=repr(str(root / "train")))


def _held_out(root: Path, wnids: list[str]) -> list[Picture]:
    """Return the validation images, by the table or by folders."""
    table = root / "val" / "val_annotations.txt"
    if not table.is_file():
        pictures = list_pictures(root, enumerate(root / "val" / wnid for wnid in wnids))
        if not pictures:
            raise InputError(f"{table} does not exist; expected it, or folders val/WNID")
        return pictures
    return table_pictures(root / "val", ((f"images/{row[0]}", row[1]) for row in read_rows(table, 3, "\t")), wnids)


SOURCE = Source(
    name="tiny_imagenet",
    read=open_tiny_imagenet,
    options=(PRESET,),
    layouts=(Layout("Tiny ImageNet", ("wnids.txt", "train/")),),
    passes_for_class_folders=True,
)
