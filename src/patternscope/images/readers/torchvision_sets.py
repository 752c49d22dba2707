"""Data sets that torchvision reads from disk."""

from collections.abc import Mapping
from typing import Any

from patternscope.errors import InputError, nearest
from patternscope.factories import call_offered
from patternscope.images.readers.source import Request, Source, Splits
from patternscope.images.readers.torch_datasets import ARGUMENTS, open_datasets

_Arguments = Mapping[str, Any]
_FLAG: tuple[_Arguments, _Arguments | None] = ({"train": True}, {"train": False})
_WHOLE: tuple[_Arguments, _Arguments | None] = ({}, None)


def _named(train: str, test: str) -> tuple[_Arguments, _Arguments | None]:
    """Return the arguments of two named splits."""
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

_REASONS = {
    "CIFAR10": "reads pickled files; set source = 'cifar', which reads the binary version",
    "CIFAR100": "reads pickled files; set source = 'cifar', which reads the binary version",
    "ImageNet": "reads a pickled index; set source = 'imagenet'",
    "LSUN": "reads a pickled index, which is not opened",
    "CocoDetection": "has no label per image; set source = 'coco'",
    "ImageFolder": "is a folder of classes; set source = 'folder'",
}


def open_torchvision(request: Request) -> Splits:
    """Return the images of a torchvision data set on the disk; nothing is ever downloaded.

    `source` is "torchvision:NAME" with a name of SETS, `folder` what torchvision calls root, `arguments` go
    to the data set (EMNIST needs a split, Places365 small = true). Held-out images are those of its test or
    validation split; without one a seeded 20 % of every class.
    """
    name = request.source.partition(":")[2]
    if name not in SETS:
        reason = _REASONS.get(name) or f"is not offered; {nearest(name, SETS)}"
        raise InputError(f"source {request.source!r}: torchvision's {name} {reason}")
    request.folder_with(expected=f"torchvision's root of {name}")
    train, test = SETS[name]
    held_out = None if test is None else _dataset(name, test, request)
    return open_datasets(_dataset(name, train, request), held_out, request, where=request.source)


def _dataset(name: str, split: _Arguments, request: Request) -> Any:
    """Return one split of a data set."""
    import torchvision

    arguments = request.option(ARGUMENTS)
    if "download" in arguments:
        raise InputError("arguments: expected no 'download'; nothing is downloaded")
    dataset = getattr(torchvision.datasets, name)
    try:
        return call_offered(dataset, {"download": False}, {"root": request.folder, **split, **arguments})
    except (OSError, RuntimeError, TypeError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"source {request.source!r}: torchvision cannot open it in {str(request.folder)!r} ({reason:.160})"
        ) from error


SOURCE = Source(
    name="torchvision",
    read=open_torchvision,
    options=(ARGUMENTS,),
    pattern="torchvision:.+",
    written="torchvision:NAME",
)
