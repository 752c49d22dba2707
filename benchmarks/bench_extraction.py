"""Recording features beside torchvision's and timm's extractors, in one process and in turn.

    python benchmarks/bench_extraction.py [ARCHITECTURE ...] [--images 30] [--side 224]

Random images and weights. Everyone returns the same three layers averaged to 14 x 14, timm those of all its stages.
Each number is the minimum, median and maximum of three. "Channels last" has weights and images in that memory format.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Mapping

import torch
from measuring import copy_rate, forget_peak, matrix_rate, peak_memory, row
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from patternscope.networks import build_network, record

GRID, BATCH, REPEATS = 14, 15, 3
LAYERS = {
    "resnet18": ("layer2", "layer3", "layer4"),
    "resnet50": ("layer2", "layer3", "layer4"),
    "mobilenet_v3_large": ("features.6", "features.12", "features.16"),
}
Features = Mapping[str, Tensor]


def collect(run: Callable[[Tensor], Features], images: Tensor) -> dict[str, Tensor]:
    """Run batch by batch and average maps to the grid, as a recording does."""
    parts: dict[str, list[Tensor]] = {}
    with torch.no_grad():
        for batch in images.split(BATCH):
            for name, features in run(batch.float() / 255).items():
                side = min(GRID, features.shape[-1])
                pooled = nn.functional.adaptive_avg_pool2d(features, side).contiguous()
                parts.setdefault(name, []).append(pooled)
    return {name: torch.cat(values) for name, values in parts.items()}


def ways(name: str, images: Tensor) -> dict[str, Callable[[], Features]]:
    """Return what each library does with the images; networks are made before the clock starts."""
    network = build_network(name, classes=10, image_size=images.shape[-1]).eval()
    layers = LAYERS[name]
    inner = network.inner if hasattr(network, "inner") else network
    extractor = create_feature_extractor(inner, {layer: layer for layer in layers})
    last = create_feature_extractor(inner, {layer: layer for layer in layers}).to(memory_format=torch.channels_last)
    found: dict[str, Callable[[], Features]] = {
        "patternscope": lambda: record(network, images, layers, GRID, batch_size=BATCH).regional_features,
        "plain forward pass": lambda: collect(lambda batch: {"logits": inner(batch)[..., None, None]}, images),
        "torchvision": lambda: collect(extractor, images),
        "torchvision, channels last": lambda: collect(
            lambda batch: last(batch.contiguous(memory_format=torch.channels_last)), images
        ),
    }
    try:
        import timm
    except ImportError:
        return found
    of_timm = timm.create_model(name if name != "mobilenet_v3_large" else "mobilenetv3_large_100", features_only=True)
    of_timm = of_timm.eval()
    found["timm (all its stages)"] = lambda: collect(lambda batch: dict(enumerate(of_timm(batch))), images)  # type: ignore[arg-type]
    return found


def spread(values: Iterable[float], form: str = "{:.1f}") -> str:
    ordered = sorted(values)
    return " / ".join(form.format(value) for value in (ordered[0], statistics.median(ordered), ordered[-1]))


def compare(name: str, images: Tensor) -> None:
    """Print a row per way: images per second, of the plain pass's, memory, and the largest difference of features."""
    runs = ways(name, images)
    expected = runs["torchvision"]()
    rates: dict[str, list[float]] = {way: [] for way in runs}
    held: dict[str, float] = {}
    for _ in range(REPEATS):
        for way, run in runs.items():
            before, start = forget_peak(), time.process_time()
            found = run()
            rates[way].append(len(images) / (time.process_time() - start))
            held[way] = max(held.get(way, 0.0), peak_memory() - before)
            del found
    for way, run in runs.items():
        found = run()
        shared = expected.keys() & found.keys()
        apart = max((_apart(found[layer], expected[layer]) for layer in shared), default=None)
        plain = [own / other for own, other in zip(rates[way], rates["plain forward pass"], strict=True)]
        said = "" if apart is None else f"{apart:.0e} of the largest feature apart"
        what = f"{name}, {len(images)} images of {images.shape[-1]}: {way}"
        row(what, f"{spread(plain, '{:.2f}')} of the plain pass",
            f"{spread(rates[way])} images per second of a processor, {held[way]:.2f} GB", said)  # fmt: skip


def _apart(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description="Recording beside torchvision's and timm's extractors.")
    parser.add_argument("architectures", nargs="*", default=["resnet18", "resnet50"], metavar="ARCHITECTURE")
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--side", type=int, default=224)
    asked = parser.parse_args()
    images = torch.randint(0, 256, (asked.images, 3, asked.side, asked.side), dtype=torch.uint8,
                           generator=torch.Generator().manual_seed(0))  # fmt: skip
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; float32 {matrix_rate() / 1e9:.0f} Gflop/s, "
          f"copies {copy_rate() / 1e9:.0f} GB/s\n\n| what | ratio | ours | features |\n|---|---|---|---|")  # fmt: skip
    for name in asked.architectures:
        compare(name, images)


if __name__ == "__main__":
    main()
