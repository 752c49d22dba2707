"""`patternscope layers`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patternscope.cli.options import AsJson, argument

if TYPE_CHECKING:
    from patternscope.networks import Layer


def layers(
    model: Annotated[str, argument("MODEL", "Architecture, or a study's TOML file.")],
    image_size: Annotated[int, typer.Option(help="Height and width of the images in pixels.")] = 64,
    channels: Annotated[int, typer.Option(help="1 for grey, 3 for colour.")] = 3,
    as_json: AsJson = False,
) -> None:
    """List the layers of a network.

    For each layer its name, kind, output, regions and memory, and whether it is suggested for a study.

    MODEL is vgg16_slim, a torchvision or timm name, package.module:factory, or the TOML file of a study.

    Examples: patternscope layers resnet18 --image-size 224; patternscope layers study.toml --json
    """
    from patternscope.cli.printing import say
    from patternscope.settings.study import load_settings, make_settings
    from patternscope.study.axes import study_layers

    if model.endswith(".toml"):
        settings = load_settings(model)
    else:
        images = {"image_size": image_size, "channels": channels}
        settings = make_settings({"network": {"architecture": model}, "images": images}, "layers", Path())
    known, names = study_layers(settings)
    suggested = [layer for layer in known if layer.name in names or layer.alias in names]
    if not as_json:
        _print_table(known, suggested)
        say(f"* suggested:\n[network]\nlayers = {json.dumps(list(names))}")
        return
    rows = [
        {
            **{name: getattr(layer, name) for name in ("name", "alias", "kind", "shape", "grid", "stride")},
            "bytes_per_1000_images": layer.bytes_per_1000,
            "suggested": layer in suggested,
        }
        for layer in known
    ]
    typer.echo(json.dumps(rows, indent=1))


def _print_table(known: "Sequence[Layer]", suggested: "Sequence[Layer]") -> None:
    """Print a row per layer."""
    from patternscope.cli.printing import file_size, new_table, show

    table = new_table("layer", "kind", "output", "regions", "per 1000 images", "", texts=2)
    for layer in known:
        name = f"{layer.name} ({layer.alias})" if layer.alias else layer.name
        shape, grid = (" x ".join(map(str, sizes or ())) for sizes in (layer.shape, layer.grid))
        mark = "*" if layer in suggested else ""
        table.add_row(name, layer.kind, shape, grid, file_size(layer.bytes_per_1000), mark)
    show(table)
