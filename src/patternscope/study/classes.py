"""How many classes a study has, where that is known before its images are read."""

from patternscope.images.pictograms import CLASSES
from patternscope.images.readers.folder import folders_in, split_folders
from patternscope.settings.core import ImagesSettings


def known_classes(images: ImagesSettings) -> int | None:
    """Return the number of classes that are drawn, named, or folders; None for other sources.

    None too for fewer than two, of which the images themselves complain.

    >>> known_classes(ImagesSettings())
    10
    """
    if images.source == "pictograms":
        return len(CLASSES)
    if images.class_names is not None:
        names = images.class_names
    elif images.source == "folder" and images.folder is not None:
        names = folders_in(split_folders(images.folder)[0])
    else:
        names = ()
    return len(names) if len(names) > 1 else None
