"""A GPU: estimators with the results of the processor, time and memory of a whole layer, and a network's recording.

    python benchmarks/gpu_check.py [--device cuda] [--small]

Without a GPU it runs small on the processor. Prints one table, and ends with status 1 where results differ by more than
the tolerance beside them.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.knowledge import KnowledgePoints, find_knowledge_points
from patternscope.networks import build_network, record
from patternscope.similarity.matching import best_matches

Row = tuple[str, str, str, bool]  # what, where, the result, whether it is as it should be

CLASSES = 10
# In float64, of the largest value; the order of sums differs between devices, and solvers amplify that.
TOLERANCE = 1e-6
# In float32 the path of a solver amplifies rounding so far that the processor in float32 and in float64 gives regional
# embeddings that differ by a tenth: there the losses at the end are compared, and the share of regions whose point
# differs.
LOSS_TOLERANCE, OTHER_POINTS = 1e-2, 0.03


@dataclass(frozen=True)
class Size:
    """A layer: samples n, channels k, side of the grid, neighbours m."""

    n: int
    k: int
    side: int
    m: int

    def __str__(self) -> str:
        return f"n {self.n:,}, k {self.k}, r {self.side**2}, m {self.m}"


COMPARED = {True: Size(60, 12, 4, 20), False: Size(200, 64, 7, 50)}
# An architecture, the side of its images, their number and the layers that are recorded.
RECORDED = {
    True: ("resnet18", 64, 16, ("layer2", "layer4")),
    False: ("resnet50", 224, 512, ("layer2", "layer3", "layer4")),
}
ROUNDS = 3
TIMED = {True: (Size(60, 12, 4, 20), Size(180, 12, 4, 20)), False: (Size(500, 512, 14, 100), Size(5_000, 512, 14, 100))}


@dataclass(frozen=True)
class Layer:
    """What the estimators are given: planted features, in which a part of the regions shows the class."""

    regional: Tensor
    probs: Tensor
    labels: Tensor

    @property
    def sample(self) -> Tensor:
        """The features averaged over regions (n, k)."""
        return self.regional.mean((2, 3))

    def to(self, device: str, dtype: torch.dtype) -> "Layer":
        return Layer(self.regional.to(device, dtype), self.probs.to(device, dtype), self.labels.to(device))


@dataclass(frozen=True)
class Fitted:
    """What came of all estimators, and the loss at the end and the seconds of each."""

    losses: dict[str, float]
    values: dict[str, Tensor]
    points: dict[str, KnowledgePoints]
    seconds: dict[str, float]
    waits: dict[str, int]


class HostReads(TorchDispatchMode):
    """Counts how often a number or a tensor goes to the host, for which the host waits until a GPU has computed it."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        number = func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)
        copy = func is torch.ops.aten._to_copy.default and args[0].is_cuda and not result.is_cuda
        self.count += number or copy
        return result


def planted(size: Size) -> Layer:
    """Return a layer whose first quarter of regions shows the class; the same on every machine with one torch."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(size.n) % CLASSES
    patterns = torch.rand(CLASSES, size.k, generator=generator)
    regional = torch.rand(size.n, size.k, size.side, size.side, generator=generator)
    regional[:, :, : max(1, size.side // 4)] += 1.5 * patterns[labels][:, :, None, None]
    probs = torch.softmax(4.0 * torch.eye(CLASSES)[labels] + torch.rand(size.n, CLASSES, generator=generator), dim=1)
    return Layer(regional, probs, labels)


def fit_all(layer: Layer, m: int, match: str = "full", *, counted: bool = False) -> Fitted:
    """Fit the sample embedding, the importance weights, and the regional embedding by either objective.

    `counted` counts how often the host waits, which takes several times as long.
    """
    k = layer.regional.shape[1]
    losses, seconds, values, points, waits = {}, {}, {}, {}, {}

    def timed(name: str, run: Callable[[], Any]) -> Any:
        _wait(layer.regional.device)
        start = time.perf_counter()
        reads = HostReads()
        with reads if counted else nullcontext():
            result = run()
        _wait(layer.regional.device)
        seconds[name] = time.perf_counter() - start
        waits[name] = reads.count
        losses[name] = result.trace.losses[-1]
        return result

    given = {"target_probs": layer.probs, "regional_features": layer.regional}
    samples = timed(
        "sample embedding",
        lambda: SampleEmbedding(k, CLASSES - 1).to(layer.regional).fit(
            {"target_probs": layer.probs, "sample_features": layer.sample}
        ),
    )  # fmt: skip
    weight = timed(
        "importance",
        lambda: ImportanceWeight(*layer.regional.shape).estimate(given, {"kl_sample_num": m, "match_dtype": match}),
    )
    pairs = {"sample_embs": samples.embedding, "w_k": weight.channel_weights, "w_r": weight.region_weights}
    values |= {"sample embedding": samples.embedding, "region weights": weight.region_weights}
    values["channel weights"] = weight.channel_weights
    for objective in ("likelihood", "paper"):
        data = {**given, **(pairs if objective == "paper" else {"mean_directions": samples.mean_directions})}
        params = {"objective": objective, "kl_sample_num": m}
        name = f"regional embedding, {objective}"
        fitted = timed(name, lambda data=data, params=params: RegionEmbedding(k, CLASSES - 1).fit(data, params))
        values[name] = fitted(layer.regional)
        points[name] = find_knowledge_points(values[name], samples.mean_directions, layer.labels)
    return Fitted(losses, values, points, seconds, waits)


def compare(device: str, size: Size) -> Iterator[Row]:
    """Yield a row for each result: the difference from the processor in float64, and whether it is small enough."""
    layer = planted(size)
    expected = fit_all(layer.to("cpu", torch.float64), size.m)
    found, where = fit_all(layer.to(device, torch.float64), size.m), f"{device}, float64"
    for name, value in expected.values.items():
        difference = float((found.values[name].cpu() - value).abs().max() / value.abs().max())
        result = f"{difference:.1e} (at most {TOLERANCE:.0e})"
        yield f"{name}: largest difference", where, result, difference <= TOLERANCE
    yield from _points_that_differ(found, expected, where, 0.0)
    found, where = fit_all(layer.to(device, torch.float32), size.m, counted=True), f"{device}, float32"
    for name, loss in expected.losses.items():
        difference = abs(found.losses[name] - loss) / abs(loss)
        result = f"{difference:.1e} (at most {LOSS_TOLERANCE:.0e})"
        yield f"{name}: difference of the loss at the end", where, result, difference <= LOSS_TOLERANCE
    yield from _points_that_differ(found, expected, where, OTHER_POINTS)
    for name, waits in found.waits.items():
        yield f"{name}: numbers that the host waits for", where, str(waits), True


def _points_that_differ(found: Fitted, expected: Fitted, where: str, most: float) -> Iterator[Row]:
    """Yield a row for each regional embedding: how many regions are a point, or reliable, in one of both alone."""
    for name, points in expected.points.items():
        others = _other_points(found.points[name], points)
        regions = points.mask.numel()
        result = f"{others} of {regions} regions (at most {most:.0%}), {int(points.mask.sum())} points"
        yield f"{name}: points that differ", where, result, others <= most * regions


def time_layer(device: str, size: Size) -> Iterator[Row]:
    """Yield a row for each estimator's time, for the match in two types, and for the memory of all."""
    layer = planted(size).to(device, torch.float32)
    for dtype in (torch.float32, torch.bfloat16):
        held = _memory(device, forget=True)
        fitted = fit_all(layer.to(device, dtype), size.m)
        peak = _memory(device)
        where = f"{device}, features in {_name(dtype)}"
        for name, seconds in fitted.seconds.items():
            yield f"{name}, {size}", where, f"{seconds:.2f} s, loss {fitted.losses[name]:.4f}", True
        memory = "not measured" if peak is None or held is None else f"{(peak - held) / 1e9:.2f} GB beside the input"
        yield f"memory of all, {size}", where, memory, True
    for match in ("full", "bfloat16"):
        yield f"match, {size}", f"{device}, {'float32' if match == 'full' else match}", _match(layer, size, match), True
    half = fit_all(layer, size.m, "bfloat16")
    yield f"importance, {size}", f"{device}, match in bfloat16", f"{half.seconds['importance']:.2f} s", True


def time_recording(device: str, small: bool) -> Iterator[Row]:
    """Yield rows for a network's recording beside its plain forward pass, in turn: images per second, their ratio."""
    name, side, count, layers = RECORDED[small]
    network = build_network(name, classes=CLASSES, image_size=side).to(device).eval()
    images = torch.randint(
        0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    batch = min(count, 64)

    @torch.no_grad()
    def plain() -> None:
        for part in images.split(batch):
            network(part.to(device, torch.float32) / 255)

    rates: list[tuple[float, float]] = []
    for _ in range(ROUNDS + 1):  # the first warms both up
        ours = _seconds(device, lambda: record(network, images, layers, grid=14, batch_size=batch))
        rates.append((count / ours, count / _seconds(device, plain)))
    what = f"recording {name}, {count} images of {side}, {len(layers)} layers"
    ratio = [ours / forward for ours, forward in rates[1:]]
    for text, values, unit in (
        (what, [ours for ours, _ in rates[1:]], "images/s"),
        (f"plain forward pass of {name}", [forward for _, forward in rates[1:]], "images/s"),
        (f"{what}: share of the plain pass's rate", ratio, ""),
    ):
        low, middle, high = min(values), sorted(values)[len(values) // 2], max(values)
        yield text, f"{device}, float32", f"{low:.2f} / {middle:.2f} / {high:.2f} {unit}".rstrip(), True


def _seconds(device: str, run: Callable[[], object]) -> float:
    _wait(torch.device(device))
    start = time.perf_counter()
    run()
    _wait(torch.device(device))
    return time.perf_counter() - start


def _match(layer: Layer, size: Size, match: str) -> str:
    """The time of the match of up to 100 anchors, and its operations per second."""
    features = torch.nn.functional.normalize(layer.regional[: size.m + 1].flatten(2).transpose(1, 2), dim=2)
    positions = torch.arange(size.m, device=features.device).expand(len(features), -1)
    dtype = torch.bfloat16 if match == "bfloat16" else None
    best_matches(features, features, positions, dtype)
    _wait(features.device)
    start = time.perf_counter()
    best_matches(features, features, positions, dtype)
    _wait(features.device)
    seconds = time.perf_counter() - start
    operations = 2 * len(features) ** 2 * size.side**4 * size.k
    rate = f"{operations / seconds / 1e12:.2f} Tflop/s"
    return f"{seconds * 1e3:.1f} ms for {len(features)} x {len(features)} images, {rate}"


def _other_points(found: KnowledgePoints, expected: KnowledgePoints) -> int:
    """How many regions are a point in one and not in the other, or a reliable one."""
    return int(((found.mask.cpu() != expected.mask) | (found.reliable.cpu() != expected.reliable)).sum())


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _memory(device: str, *, forget: bool = False) -> int | None:
    """The largest memory of the device so far, or what it holds now where the past is to be forgotten; in bytes."""
    if not device.startswith("cuda"):
        return None
    if forget:
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    return torch.cuda.max_memory_allocated(device)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where something differs."""
    parser = argparse.ArgumentParser(description="The estimators on a GPU against the processor.")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--small", action="store_true", help="sizes for a test; always so on the processor")
    asked = parser.parse_args(arguments)
    small = asked.small or not asked.device.startswith("cuda")
    name = torch.cuda.get_device_name(asked.device) if asked.device.startswith("cuda") else "no GPU, small sizes"
    print(f"torch {torch.__version__}, {name}\n\n| what | where | result | as it should be |\n|---|---|---|---|")
    good = True
    parts = [compare(asked.device, COMPARED[small]), *(time_layer(asked.device, size) for size in TIMED[small])]
    parts.append(time_recording(asked.device, small))
    for part in parts:
        for what, where, result, holds in part:
            good = good and holds
            print(f"| {what} | {where} | {result} | {'yes' if holds else 'NO'} |", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
