"""Classes that are WordNet synsets, as ImageNet's are: their words, and the ten of the paper."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.pictures import Picture
from patternscope.images.readers.source import Option, Request
from patternscope.images.readers.text_tables import read_rows

PRESETS = {
    "paper": (
        "n04311004",  # steel arch bridge
        "n04146614",  # school bus
        "n04285008",  # sports car
        "n02123045",  # tabby
        "n03179701",  # desk
        "n02099601",  # golden retriever
        "n01644900",  # tailed frog
        "n03584254",  # iPod
        "n03662601",  # lifeboat
        "n07747607",  # orange
    )
}
"""Classes by the name of a preset; "paper": those of the paper's Tiny ImageNet."""
PRESET: Option[str | None] = Option("preset", str, '"paper": the ten classes of the paper', None)


def read_words(root: Path, *names: str) -> dict[str, list[str]]:
    """Return the words of each synset from the first of these files that exists; empty without one.

    Lines of an id, white space, and words between commas, as in words.txt, synset_words.txt and
    LOC_synset_mapping.txt.

    Raises InputError for a file that cannot be read.
    """
    path = next((root / name for name in names if (root / name).is_file()), None)
    rows = [] if path is None else read_rows(path, 2)
    return {wnid: [word.strip() for word in words.split(",")] for wnid, words in rows}


def select_synsets(
    known: Sequence[str], words: Mapping[str, Sequence[str]], request: Request
) -> tuple[list[str], tuple[str, ...]]:
    """Return the selected synsets, and the names of these classes.

    All that are `known`, those of a preset, or those that `class_names` names by id or any of their words. A class is
    named by its first word; by its id, if it has no words; by both, if two classes share the word.

    Raises InputError for a preset or a name that is unknown, or a word of several classes.
    """
    preset, names = request.option(PRESET), request.class_names
    if preset is not None and names is not None:
        raise InputError("preset, class_names: expected one of them, got both")
    if preset is not None:
        if preset not in PRESETS:
            raise InputError(f"preset: expected a known preset, got {preset!r}; {nearest(preset, PRESETS)}")
        names = PRESETS[preset]
    wnids = list(known) if names is None else [_synset(name, known, words) for name in names]
    if len(set(wnids)) < len(wnids) or len(wnids) < 2:
        raise InputError(f"class_names: expected two or more different classes, got {wnids}")
    return wnids, tuple(_distinct([words.get(wnid, [wnid])[0] for wnid in wnids], wnids))


def table_pictures(folder: Path, rows: Iterable[Sequence[str]], wnids: Sequence[str]) -> list[Picture]:
    """Return the pictures in a folder by rows of their file's name and their synset, those of `wnids` alone."""
    labels = {wnid: label for label, wnid in enumerate(wnids)}
    return [
        Picture(f"val/{name}", labels[wnid], partial(load_picture, folder / name))
        for name, wnid, *_ in rows
        if wnid in labels
    ]


def _synset(name: str, known: Sequence[str], words: Mapping[str, Sequence[str]]) -> str:
    """Return the synset of an id or a word."""
    if name in known:
        return name
    word = name.partition(" (n")[0]  # of "crane (n02012849)", a distinct name
    wnids = [wnid for wnid in known if word in words.get(wnid, ()) and (name == word or wnid in name)]
    if len(wnids) > 1:
        raise InputError(f"class_names: expected one class, got {name!r}, a word of {', '.join(wnids)}; use an id")
    if not wnids:
        hint = nearest(name, [word for wnid in known for word in words.get(wnid, [wnid])])
        raise InputError(f"class_names: expected names of classes, got {name!r}; {hint}")
    return wnids[0]


def _distinct(names: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Return the names of classes, with its mark where several classes have the same.

    >>> _distinct(["crane", "cat", "crane"], ["n02012849", "n02123045", "n03126707"])
    ['crane (n02012849)', 'cat', 'crane (n03126707)']
    """
    counts = Counter(names)
    return [f"{name} ({mark})" if counts[name] > 1 else name for name, mark in zip(names, marks, strict=True)]
