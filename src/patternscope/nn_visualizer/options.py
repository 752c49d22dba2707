"""Command-line options from the fields of settings, so that names, defaults and meanings stand once."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from patternscope.errors import InputError, explain, nearest

Settings = TypeVar("Settings", bound=BaseModel)


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are InputError, one line.

    >>> OneLineParser(prog="fit").parse(["--nothing"])
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: --nothing is unknown; valid: '-h', '--help'
    """

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise InputError(f"{message}; see --help")

    def parse(self, args: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse, and answer a misspelt option with the nearest valid one."""
        found, unknown = self.parse_known_args(args)
        if unknown:
            name = unknown[0].partition("=")[0]
            raise InputError(f"{name} is unknown; {nearest(name, self._option_string_actions)}")
        return found


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that the three scripts share: data, network, layer, device, folders.

    After the reference's.

    >>> parser = OneLineParser(); add_common(parser); parser.parse_args([]).device
    'auto'
    """
    add = parser.add_argument
    add(
        "--dataset",
        default="pictograms",
        help="pictograms, a folder of images in class folders, or a .safetensors or .npz file of ready features "
        "(target_probs, sample_features, regional_features or one such array a layer, labels, images, masks) "
        "(default: pictograms)",
    )
    add("--arch", help="vgg16_slim, a torchvision or timm name, or module:factory (default: vgg16_slim)")
    add("--feature-layer", "--feature_layer", help="layer of the regional features (default: the last known)")
    add("--device", default="auto", help="cpu, cuda, mps or auto (default: auto)")
    add(
        "--save-dir",
        "--save_dir",
        type=Path,
        help="folder of the results (default: results/<dataset>/<arch>/<layer>)",
    )
    add(
        "--features-dir",
        "--features_dir",
        type=Path,
        default=Path("features"),
        help="folder that keeps images, networks and features for the next time (default: features)",
    )


def add_settings(
    parser: argparse.ArgumentParser, model: type[BaseModel], title: str, names: Sequence[str] = ()
) -> None:
    """Add an option for each field of a settings model, or for those named; values are checked later.

    >>> from patternscope.embeddings.settings import SampleParams
    >>> parser = OneLineParser(); add_settings(parser, SampleParams, "fit")
    >>> parser.parse_args(["--n-step", "7"]).n_step
    '7'
    """
    group = parser.add_argument_group(title)
    for name in names or model.model_fields:
        field = model.model_fields[name]
        spellings = dict.fromkeys([f"--{name.replace('_', '-')}", f"--{name}"])
        about = field.description or ""
        shown = "" if field.default is None or "default" in about else f" (default: {field.default})"
        group.add_argument(
            *spellings, dest=name, default=argparse.SUPPRESS, metavar="VALUE", help=about + shown
        )


def read_settings(given: argparse.Namespace, model: type[Settings], names: Sequence[str] = ()) -> Settings:
    """Return the settings with what was given on the command line.

    InputError for a value out of range.

    >>> from patternscope.embeddings.settings import SampleParams
    >>> read_settings(argparse.Namespace(n_step="7"), SampleParams).n_step
    7
    """
    chosen = {name: vars(given)[name] for name in names or model.model_fields if name in vars(given)}
    try:
        return model.model_validate(chosen)
    except ValidationError as error:
        raise InputError(f"--{explain(error, model)}") from None
