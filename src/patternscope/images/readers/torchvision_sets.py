"""Data sets that torchvision reads from the disk."""

from collections.abc import Mapping
from typing import Any

from patternscope.errors import InputError, nearest
from patternscope.factories import call_offered
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.torch_datasets import open_datasets

_Arguments = Mapping[str, Any]
_FLAG: tuple[_Arguments, _Arguments | None] = ({"train": True}, {"train": False})
_WHOLE: tuple[_Arguments, _Arguments | None] = ({}, None)


def _named(train: str, test: str) -> tuple[_Arguments, _Arguments | None]:
    """The arguments of two splits that have names."""
    return {"split": train}, {"split": test}


SETS: dict[str, tuple[_Arguments, _Arguments | None]] = {
    **dict.fromkeys(("MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "USPS"), _FLAG),
    **dict.fromkeys(
        ("SVHN", "STL10", "Food101", "DTD", "Flowers102", "GTSRB", "StanfordCars", "Country211", "PCAM",
         "RenderedSST2", "FER2013"),
        _named("train", "test"),
    ),
    **dict.fromkeys(("FGVCAircraft", "OxfordIIITPet"), _named("trainval", "test")),
    **dict.fromkeys(("Imagenette", "CLEVRClassification"), _named("train", "val")),
    "Places365": _named("train-standard", "val"),
    **dict.fromkeys(("EuroSAT", "SUN397", "Caltech101", "Caltech256", "SEMEION"), _WHOLE),
}  # fmt: skip
"""torchvision's data sets of labelled images that need no pickle, with the arguments of their two splits."""

_INSTEAD = {
    "CIFAR10": "reads pickled files; set source = 'cifar', which reads the binary version",
    "CIFAR100": "reads pickled files; set source = 'cifar', which reads the binary version",
    "ImageNet": "reads a pickled index; set source = 'imagenet'",
    "LSUN": "keeps a pickled index, which is not opened",
    "CocoDetection": "has no label for an image; set source = 'coco'",
    "ImageFolder": "is a folder of classes; set source = 'folder'",
}


def open_torchvision(request: Request) -> Splits:
    """Return the images of a torchvision data set that is on the disk; nothing is ever downloaded.

    `source` is "torchvision:NAME" with a name of SETS, `folder` what torchvision calls root, `arguments` go
    to the data set (EMNIST wants a split, Places365 small = true). Held-out images are those of its test or
    validation split; without one a seeded 20 % of every class.

    Raises InputError for a name that is not offered, a data set that is not in the folder, arguments it does not take.
    """
    name = request.source.partition(":")[2]
    if name not in SETS:
        why = _INSTEAD.get(name) or f"is not offered; {nearest(name, SETS)}"
        raise InputError(f"source {request.source!r}: torchvision's {name} {why}")
    if request.folder is None or not request.folder.is_dir():
        raise InputError(
            f"folder {str(request.folder)!r} is not there; torchvision's root of {name} is needed"
        )
    train, test = SETS[name]
    held_out = None if test is None else _dataset(name, test, request)
    return open_datasets(_dataset(name, train, request), held_out, request, where=request.source)


def _dataset(name: str, split: _Arguments, request: Request) -> Any:
    """One split of a data set."""
    import torchvision

    given = request.options.get("arguments") or {}
    if "download" in given:
        raise InputError(f"source {request.source!r}: download is among the arguments; nothing is downloaded")
    kind = getattr(torchvision.datasets, name)
    try:
        return call_offered(kind, {"download": False}, {"root": request.folder, **split, **given})
    except (OSError, RuntimeError, TypeError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"source {request.source!r}: torchvision cannot open it in {str(request.folder)!r} ({reason:.160})"
        ) from error
