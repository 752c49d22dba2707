"""The scatter picture of an embedding: points coloured by class, mean directions as arrows."""

from pathlib import Path

import torch
from torch import Tensor

_SHOWN = 4000


def draw_scatter(embedding: Tensor, labels: Tensor, directions: Tensor, classes: tuple[str, ...], path: Path) -> None:
    """Draw the first two or three axes of an embedding (n, e) and its mean directions (c, e) into a png at `path`.

    Of more than 4,000 points, an even selection is shown, and the title says so. Source: reference code (a scatter
    picture).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.png"
    ...     draw_scatter(torch.eye(3), torch.arange(3), torch.eye(3), ("a", "b", "c"), path)
    ...     path.stat().st_size > 1000
    True
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    count = len(embedding)
    shown = torch.linspace(0, count - 1, min(count, _SHOWN)).round().long()
    points, shown_labels = embedding.detach().cpu()[shown].double(), labels.cpu()[shown]
    axes_count = min(3, points.shape[1])
    points, arrows = points[:, :axes_count], directions.detach().cpu().double()[:, :axes_count]
    arrows = arrows * torch.linalg.vector_norm(points, dim=1).quantile(0.9)
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.add_subplot(projection="3d") if axes_count == 3 else figure.add_subplot()
    colours = colormaps["tab10" if len(classes) <= 10 else "turbo"].resampled(max(len(classes), 10))
    for label, name in enumerate(classes):
        chosen = points[shown_labels == label]
        axes.scatter(*chosen.T.numpy(), s=9, color=colours(label), alpha=0.7, linewidths=0, label=name)
        ends = [[0.0, float(value)] for value in arrows[label]]
        axes.plot(*ends, color=colours(label), linewidth=1.8)
    note = "" if len(shown) == count else f" (showing {len(shown)} of {count})"
    axes.set_title(path.stem.replace("_", " ") + note, fontsize=11)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False, ncols=1 + len(classes) // 25)
    figure.savefig(path, dpi=150)
