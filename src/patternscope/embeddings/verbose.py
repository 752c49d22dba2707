"""What the estimators write when asked to by `verbose_dir`, and nothing else: loss curves and heat maps."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from patternscope.embeddings.solver import Trace

_ACCENT = "#2f6fbb"


def write_losses(trace: Trace, folder: str | Path, name: str) -> None:
    """Write `<name>_loss.csv` and `<name>_loss.png`.

    Source: reference code (a loss curve in `verbose_dir`); the table beside it is this project's.

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
    axes.plot(trace.losses, color=_ACCENT, linewidth=1.6)
    axes.set(xlabel="step", ylabel="loss", title=name.replace("_", " "))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{name}_loss.png", dpi=150)


def write_heat_maps(images: Tensor, region_weights: Tensor, folder: str | Path) -> None:
    """Write `heatmaps/<sample>.png`, the image beside its region weights laid over it.

    Source: reference code (a heat map an image). `images` (n, 1 or 3, height, width), uint8 or floats of any
    range (stretched to what can be shown); `region_weights` (n, h, w).

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
    smooth = torch.nn.functional.interpolate(
        region_weights.detach().cpu().float()[:, None], size=tuple(size), mode="bilinear", align_corners=False
    )[:, 0]
    for sample, (image, heat) in enumerate(zip(images.detach().cpu(), smooth, strict=True)):
        shown = _as_rgb(image)
        coloured = torch.from_numpy(
            colormaps["magma"]((heat / heat.max().clamp_min(1e-12)).numpy())[..., :3]
        ).float()
        pair = torch.cat([shown, 0.45 * shown + 0.55 * coloured], dim=1)
        enlarge = max(1, 160 // size[0])
        picture = Image.fromarray((pair * 255).round().to(torch.uint8).numpy())
        picture = picture.resize(
            (picture.width * enlarge, picture.height * enlarge), Image.Resampling.NEAREST
        )
        picture.save(folder / f"{sample:04d}.png")


def _as_rgb(image: Tensor) -> Tensor:
    """An image as (height, width, 3) in [0, 1]; normalised pixels are stretched to that range."""
    pixels = image.float() / 255 if image.dtype == torch.uint8 else image.float()
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > 1:
        pixels = (pixels - low) / (high - low).clamp_min(1e-12)
    return (
        pixels.expand(3, *pixels.shape[1:]).permute(1, 2, 0)
        if len(pixels) == 1
        else pixels[:3].permute(1, 2, 0)
    )
