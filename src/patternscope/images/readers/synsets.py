"""Classes that are WordNet synsets, as ImageNet's are: their words, and the ten of the paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.images.readers.classes import told_apart
from patternscope.images.readers.image_set import Request
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


def read_words(path: Path) -> dict[str, list[str]]:
    """Return the words of each synset: lines of an id, white space, and words between commas.

    The form of words.txt, synset_words.txt and LOC_synset_mapping.txt.

    Raises InputError for a file that cannot be read.
    """
    return {wnid: [word.strip() for word in words.split(",")] for wnid, words in read_rows(path, 2)}


def chosen_synsets(
    present: Sequence[str], words: Mapping[str, Sequence[str]], request: Request
) -> tuple[list[str], tuple[str, ...]]:
    """Return the synsets to take, and the names of these classes.

    All that are `present`, those of a preset, or those that `class_names` names by their id or any of their
    words. A class is called by its first word, by its id without words, by both where a word is that of two
    classes.

    Raises InputError for a preset or a name that is not there, or a word of several classes.
    """
    preset, wanted = request.options.get("preset"), request.class_names
    if preset is not None and wanted is not None:
        raise InputError("preset and class_names: both are given; wanted one of them")
    if preset is not None:
        if preset not in PRESETS:
            raise InputError(f"preset is {preset!r}, which is not known; {nearest(preset, PRESETS)}")
        wanted = PRESETS[preset]
    taken = list(present) if wanted is None else [_synset(name, present, words) for name in wanted]
    if len(set(taken)) < len(taken) or len(taken) < 2:
        raise InputError(f"class_names asks for {taken}; two or more different classes are needed")
    first = [words.get(wnid, [wnid])[0] for wnid in taken]
    return taken, tuple(told_apart(first, taken))


def _synset(name: str, present: Sequence[str], words: Mapping[str, Sequence[str]]) -> str:
    """The synset of an id or a word."""
    if name in present:
        return name
    called = name.partition(" (n")[0]  # "crane (n02012849)", as names of two classes are told apart
    found = [wnid for wnid in present if called in words.get(wnid, ()) and (name == called or wnid in name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"class_names has {name!r}, a word of {', '.join(found)}; name one of these ids")
    known = [word for wnid in present for word in words.get(wnid, [wnid])]
    raise InputError(f"class_names has {name!r}, which is no class here; {nearest(name, known)}")
