"""`patternscope layers`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from patternscope.cli.options import AsJson, argument


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
    from patternscope.settings.study import load_settings, make_settings
    from patternscope.study.axes import study_layers

    if model.endswith(".toml"):
        settings = load_settings(model)
    else:
        images = {"image_size": image_size, "channels": channels}
        settings = make_settings({"network": {"architecture": model}, "images": images}, "layers", Path())
    known, suggested = study_layers(settings)
    rows = [
        {
            "name": layer.name,
            "alias": layer.alias,
            "kind": layer.kind,
            "shape": layer.shape,
            "grid": layer.grid,
            "stride": layer.stride,
            "bytes_per_1000_images": layer.bytes_per_1000,
            "suggested": layer.name in suggested or layer.alias in suggested,
        }
        for layer in known
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        _print_table(rows, suggested)


def _print_table(rows: Sequence[Mapping[str, Any]], suggested: Sequence[str]) -> None:
    """Print a row per layer, and the lines for a study's settings."""
    from patternscope.cli.printing import file_size, new_table, say, show

    table = new_table("layer", "kind", "output", "regions", "per 1000 images", "", texts=2)
    for row in rows:
        name = f"{row['name']} ({row['alias']})" if row["alias"] else row["name"]
        shape, grid = (" x ".join(map(str, row[key] or ())) for key in ("shape", "grid"))
        size, mark = file_size(row["bytes_per_1000_images"]), "*" if row["suggested"] else ""
        table.add_row(name, row["kind"], shape, grid, size, mark)
    show(table)
    say("* suggested:")
    say(f"[network]\nlayers = {json.dumps(list(suggested))}")
