"""Sample embeddings of several checkpoints, all in one frame and on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import space
from patternscope.figures.drawing.annotations import Axes, StudyResults
from patternscope.figures.drawing.choices import Classes, ShownClasses, ShownSamples, choose_classes, choose_samples
from patternscope.figures.drawing.ellipses import Ellipse, coverage_ellipse
from patternscope.figures.drawing.layout import spread_out
from patternscope.figures.drawing.views import View, choose_view, project, shown_lengths
from patternscope.results.fits import Alignment, SampleResult

COVERED = 0.8
"""Share of a class's samples that its ellipse covers."""
SEEN = 0.05
"""Share of the last checkpoint's strength below which an embedding is a dot at the origin."""


@dataclass(frozen=True)
class CheckpointEmbedding:
    """A checkpoint: embedding (n, e), mean directions (c, e), held-out accuracy, and alignment with the one before."""

    checkpoint: int
    name: str
    step: int | None
    embedding: np.ndarray
    mean_directions: np.ndarray
    accuracy: float | None
    alignment: Alignment | None

    @property
    def strength(self) -> float:
        """Median strength of the samples."""
        return float(np.median(np.linalg.norm(self.embedding, axis=1)))


@dataclass(frozen=True)
class TrainingData:
    """The sample embeddings of some checkpoints, of `total`, in the order of training, `before` the first of them."""

    checkpoints: list[CheckpointEmbedding]
    samples: ShownSamples
    classes: ShownClasses
    total: int
    before: int = 0

    @property
    def omitted(self) -> str:
        """The note on the checkpoints before the first one shown; empty without any."""
        below = f"below {100 * SEEN:.0f} % of the last one's"
        return f"The first {self.before} of {self.total} checkpoints are omitted: strength {below}." * (self.before > 0)

    @property
    def view(self) -> View:
        """The view of all panels: the one that shows the last checkpoint best."""
        return choose_view(self.checkpoints[-1].mean_directions)

    @property
    def reach(self) -> float:
        """Half the side of a panel, the same for all, in units of strength; one sample in 200 may be outside."""
        view = self.view
        lengths = [shown_lengths(at.embedding, view) for at in self.checkpoints]
        return 1.05 * max(self.radius, *(float(np.quantile(length, 0.995)) for length in lengths)) or 1.0

    @property
    def radius(self) -> float:
        """Median strength at the last checkpoint, for the sphere of all panels."""
        return self.checkpoints[-1].strength

    def class_strengths(self, at: CheckpointEmbedding) -> np.ndarray:
        """Return the mean strength of each class's samples (c,), 0 without samples."""
        strength = np.linalg.norm(at.embedding.astype(float), axis=1)
        places, count = self.samples.places, len(self.classes)
        sums = np.bincount(places, strength, minlength=count)
        return sums / np.maximum(1, np.bincount(places, minlength=count))

    def ellipses(self, seen: np.ndarray) -> list[Ellipse | None]:
        """Return the ellipse of each class's projected samples (n, 2); None without one."""
        places = self.samples.places
        return [coverage_ellipse(seen[places == place], COVERED) for place in range(len(self.classes))]


def read_training(results: StudyResults, classes: Classes, most: int) -> TrainingData:
    """Return the embeddings of up to `most` checkpoints, evenly chosen from the first visible one to the last."""
    known, shown = results.checkpoints(SampleResult), choose_classes(results, classes)
    samples = choose_samples(results, shown)
    embeddings = [_embedding(results, checkpoint, samples, shown) for checkpoint in known]
    first = beginning([at.strength for at in embeddings])
    chosen = [embeddings[first + place] for place in spread_out(len(known) - first, most)]
    return TrainingData(chosen, samples, shown, len(known), first)


def beginning(strengths: Sequence[float]) -> int:
    """Return the last checkpoint before the first whose strength is visible at the scale of the last one.

    >>> beginning([0.001, 0.002, 0.01, 0.4, 1.0]), beginning([0.5, 1.0])
    (2, 0)
    """
    seen = (place for place, strength in enumerate(strengths) if strength >= SEEN * strengths[-1])
    return max(0, next(seen) - 1)


def _embedding(
    results: StudyResults, checkpoint: int, samples: ShownSamples, classes: ShownClasses
) -> CheckpointEmbedding:
    """One checkpoint."""
    trained, fit = results.training(checkpoint), results.sample(checkpoint)
    return CheckpointEmbedding(
        checkpoint=checkpoint,
        name=trained.name,
        step=trained.step,
        embedding=fit.embedding.numpy()[samples.numbers],
        mean_directions=fit.mean_directions.numpy()[classes.labels],
        accuracy=trained.held_out_accuracy,
        alignment=fit.alignment,
    )


def draw_checkpoint(axes: Axes, shown: TrainingData, at: CheckpointEmbedding, view: View, *, size: float) -> None:
    """Draw one checkpoint: points, an ellipse per class, mean directions as long as their class is strong."""
    from matplotlib.patches import Ellipse as Patch

    marks = shown.classes.marks
    seen = project(at.embedding, view)
    space.draw_points(axes, seen, marks, shown.samples.places, size=size)
    for ellipse, mark in zip(shown.ellipses(seen[:, :2]), marks, strict=True):
        if ellipse is not None:
            across, along = (2 * half for half in ellipse.half_axes)
            x, y = ellipse.centre
            look: dict[str, Any] = {"facecolor": "none", "edgecolor": mark.colour, "linewidth": 0.9}
            axes.add_patch(Patch((x, y), across, along, angle=ellipse.angle, zorder=2.5, **look))
    strengths = shown.class_strengths(at)
    # An arrow shorter than its head would show no direction.
    long = strengths > 0.12 * axes.get_xlim()[1]
    arrows = at.mean_directions[long] * strengths[long, None]
    space.draw_arrows(axes, arrows, view, 1.0, [mark for mark, keep in zip(marks, long, strict=True) if keep])
