"""The files that the estimators write into `verbose_dir`: loss curves and heat maps."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from patternscope.solvers import Trace


def write_losses(trace: Trace, folder: str | Path, name: str) -> None:
    """Write `<name>_loss.csv` and `<name>_loss.png`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_losses(Trace(losses=[2.0, 1.0]), folder, "fit")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['fit_loss.csv', 'fit_loss.png']
    """
    from matplotlib.figure import Figure

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}_loss.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss"])
        writer.writerows(enumerate(trace.losses))
    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(trace.losses, color="#2f6fbb", linewidth=1.6)
    axes.set(xlabel="step", ylabel="loss", title=name.replace("_", " "))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{name}_loss.png", dpi=150)


def write_heat_maps(images: Tensor, region_weights: Tensor, folder: str | Path) -> None:
    """Write `heatmaps/<sample>.png`: each image next to a copy with its region weights overlaid.

    `images` (n, 1 to 4, height, width), uint8 or floats of any range (stretched to [0, 1]); `region_weights`
    (n, h, w). Source: reference code.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_heat_maps(torch.rand(2, 3, 8, 8), torch.rand(2, 2, 2), folder)
    ...     sorted(path.name for path in (Path(folder) / "heatmaps").iterdir())
    ['0000.png', '0001.png']
    """
    from matplotlib import colormaps
    from PIL import Image

    folder = Path(folder) / "heatmaps"
    folder.mkdir(parents=True, exist_ok=True)
    size = images.shape[-2:]
    weights = region_weights.detach().cpu().float()[:, None]
    smooth = torch.nn.functional.interpolate(weights, size=tuple(size), mode="bilinear", align_corners=False)
    for sample, (image, heat) in enumerate(zip(images.detach().cpu(), smooth[:, 0], strict=True)):
        plain = _as_rgb(image)
        relative = (heat / heat.max().clamp_min(1e-12)).numpy()
        coloured = torch.from_numpy(colormaps["magma"](relative)[..., :3]).float()
        pair = torch.cat([plain, 0.45 * plain + 0.55 * coloured], dim=1)
        picture = Image.fromarray((pair * 255).round().to(torch.uint8).numpy())
        enlarge = max(1, 160 // size[0])
        larger = picture.width * enlarge, picture.height * enlarge
        picture.resize(larger, Image.Resampling.NEAREST).save(folder / f"{sample:04d}.png")


def _as_rgb(image: Tensor) -> Tensor:
    """Return an image as (height, width, 3) in [0, 1]; normalised pixels are stretched to that range.

    Of 2 channels the first is shown, of 4 the first three.
    """
    pixels = image.float() / 255 if image.dtype == torch.uint8 else image.float()
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 1:
        pixels = (pixels - low) / (high - low).clamp_min(1e-12)
    shown = pixels[:3] if len(pixels) > 2 else pixels[:1]
    return shown.expand(3, -1, -1).permute(1, 2, 0)
