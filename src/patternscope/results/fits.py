"""Results of the three fits: sample embedding, importance weights and regional embedding of a checkpoint."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from patternscope.results.result import Result, arrays, record


@dataclass(frozen=True)
class FitTrace:
    """The record of a solve: its losses from first to last, its steps, convergence, and the parts of the loss."""

    start_loss: float
    final_loss: float
    losses: list[float]
    steps: int
    converged: bool
    parts: dict[str, float]


@dataclass(frozen=True)
class Alignment:
    """The alignment of a sample embedding with that of the checkpoint before, once both are in one frame.

    residual: sqrt(1 - cos^2) of the two as long vectors, in [0, 1]. angle_degrees: how much the embedding, as a long
    vector, would turn in a further alignment; orientation_angle_degrees: the same for orientations, aligned without the
    farthest tenth.
    """

    residual: float
    angle_degrees: float
    orientation_angle_degrees: float


class SampleResult(Result):
    """The sample embedding of a checkpoint.

    Attributes:
        map: M (e, d). embedding: g (n, e). mean_directions: (c, e). class_prior: (c,). posterior: (n, c).
        scale: s. agreement: share of samples for which posterior and network predict the same class, in [0, 1].
        correlation: of strength and uncertainty, in [-1, 1]; None where undefined.
        alignment: to the checkpoint before, None for the first. trace: of the solve.
    """

    STAGE = "sample"
    AXES = ("checkpoint",)

    map: Tensor = arrays("sample")
    embedding: Tensor = arrays("sample")
    mean_directions: Tensor = arrays("sample")
    class_prior: Tensor = arrays("sample")
    posterior: Tensor = arrays("sample")
    scale: float = record("sample")
    agreement: float = record("sample")
    correlation: float | None = record("sample")
    alignment: Alignment | None = record("sample")
    trace: FitTrace = record("sample")


class ImportanceResult(Result):
    """Importance weights of a layer: regions (n, r) and channels (n, k), rows summing to 1; grid (h, w)."""

    STAGE = "importance"
    AXES = ("checkpoint", "layer")

    region_weights: Tensor = arrays("importance")
    channel_weights: Tensor = arrays("importance")
    grid: tuple[int, int] = record("importance")
    trace: FitTrace = record("importance")


class RegionResult(Result):
    """The regional embedding of a layer.

    Attributes:
        map: L (e, k), fitted to all images. embedding: h (n, r, e), by the maps given by `seen_by`.
        mean_strength: mean norm of h. mean_strength_of_all: mean norm by the map of all images. scale: s of all maps.
        grid: (h, w), r = h w. trace: of the solve on all images.
        seen_by: "others" where each image is embedded by a map that was fitted without it, "all" otherwise; None, which
            is "all", in studies of earlier versions.
        fold_maps: maps fitted without a fold (f, e, k). unseen: for each division of the images, the index of the map
            that lacks an image's fold (s, n) int64; the first division judges.
    """

    STAGE = "region"
    AXES = ("checkpoint", "layer")

    map: Tensor = arrays("region")
    embedding: Tensor = arrays("region")
    # A separate file: of the last checkpoint, every checkpoint reads only the strength.
    mean_strength: float = record("strength")
    mean_strength_of_all: float | None = record("strength", omit_none=True)
    scale: float = record("region")
    grid: tuple[int, int] = record("region")
    trace: FitTrace = record("region")
    seen_by: Literal["others", "all"] | None = record("region", omit_none=True)
    fold_maps: Tensor = arrays("folds")
    unseen: Tensor = arrays("folds")
