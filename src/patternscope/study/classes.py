"""How many classes a study has, where that is known before its images are read."""

from patternscope.images.pictograms import CLASSES
from patternscope.images.sources.folder import folders_in
from patternscope.study.sections import ImagesSettings

_TRAIN_NAMES = ("train", "training")  # in any case, as the source `folder` takes them


def known_classes(images: ImagesSettings) -> int | None:
    """Return the number of classes that are drawn, named, or folders; None for other sources.

    Source: this project. None too for fewer than two, of which the images themselves complain.

    >>> known_classes(ImagesSettings())
    10
    """
    if images.source == "pictograms":
        return len(CLASSES)
    if images.class_names is not None:
        names = images.class_names
    elif images.source == "folder" and images.folder is not None:
        inside = folders_in(images.folder)
        train = [each for name in _TRAIN_NAMES for each in inside if each.name.lower() == name]
        names = folders_in(train[0]) if train else inside
    else:
        names = ()
    return len(names) if len(names) > 1 else None
