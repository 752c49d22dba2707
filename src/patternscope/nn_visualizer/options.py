"""Command-line options from the fields of settings, so that names, defaults and meanings are defined once."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

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
        """Parse, and suggest the nearest valid option for a misspelt one."""
        given, unknown = self.parse_known_args(args)
        if unknown:
            name = unknown[0].partition("=")[0]
            raise InputError(f"{name} is unknown; {nearest(name, self._option_string_actions)}")
        return given


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that the three scripts share: data, network, layer, device, folders. Source: reference code.

    >>> parser = OneLineParser(); add_common(parser); parser.parse_args([]).device
    'auto'
    """
    add = parser.add_argument
    add(
        "--dataset",
        default="pictograms",
        help="pictograms, a folder of images in class folders, or a .safetensors or .npz file of ready features "
        "(target_probs, sample_features, regional_features or one such array per layer, labels, images, masks) "
        "(default: pictograms)",
    )
    add("--arch", help="vgg16_slim, a torchvision or timm name, or module:factory (default: vgg16_slim)")
    add("--feature-layer", "--feature_layer", help="layer of the regional features (default: the last)")
    add("--device", default="auto", help="cpu, cuda, mps or auto (default: auto)")
    add("--save-dir", "--save_dir", type=Path, help="folder of the results (default: results/<dataset>/<arch>/<layer>)")
    add(
        "--features-dir",
        "--features_dir",
        type=Path,
        default=Path("features"),
        help="folder that keeps images, networks and features for reuse (default: features)",
    )


def add_settings(
    parser: argparse.ArgumentParser,
    model: type[BaseModel],
    title: str,
    names: Iterable[str] = (),
    defaults: Mapping[str, object] | None = None,
) -> None:
    """Add an option for each field of a settings model, or for those named; values are checked later.

    `defaults` are shown instead of the model's own.

    >>> from patternscope.embeddings.settings import SampleParams
    >>> parser = OneLineParser(); add_settings(parser, SampleParams, "fit")
    >>> parser.parse_args(["--n-step", "7"]).n_step
    '7'
    """
    group = parser.add_argument_group(title)
    for name in names or model.model_fields:
        spellings = dict.fromkeys([f"--{name.replace('_', '-')}", f"--{name}"])
        text = _meaning(model, name, defaults or {})
        group.add_argument(*spellings, dest=name, default=argparse.SUPPRESS, metavar="VALUE", help=text)


def _meaning(model: type[BaseModel], name: str, defaults: Mapping[str, object]) -> str:
    """The meaning of a field, and its default."""
    field = model.model_fields[name]
    clauses, default = (field.description or "").split("; "), defaults.get(name, field.default)
    if name in defaults:
        clauses = [clause for clause in clauses if "default" not in clause]
    text = "; ".join(clauses)
    return text if default is None or "default" in text else f"{text} (default: {default})"


def read_settings(
    given: argparse.Namespace, model: type[Settings], names: Iterable[str] = (), **others: Any
) -> Settings:
    """Return the settings from the command line; `others` replace what is not given there.

    InputError for a value out of range.

    >>> from patternscope.embeddings.settings import SampleParams
    >>> read_settings(argparse.Namespace(n_step="7"), SampleParams).n_step
    7
    """
    options = {name: vars(given)[name] for name in names or model.model_fields if name in vars(given)}
    try:
        return model.model_validate({**others, **options})
    except ValidationError as error:
        raise InputError(f"--{explain(error, model)}") from error
