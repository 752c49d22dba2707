"""What fitting maps to a part of the images costs: evidence and points of 5,000 images by maps of fewer.

    python benchmarks/bench_fitted.py STUDY [IMAGES_PER_CLASS [CHOICES]]

STUDY is a finished study of pictograms, such as runs/demo; its last network sees pictograms of another seed. Maps are
fitted to 500, 1,000, 2,000 and all of them, by several choices of each number, and all images are judged. Printed are
means over choices with standard deviations, beside the interval over images of the first.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measuring import row

from patternscope.images import open_images
from patternscope.networks import record
from patternscope.results.features import FeaturesInMemory, FeaturesResult, LayerShape
from patternscope.results.images import ImagesResult
from patternscope.results.study import open_results
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import rebuilt_network
from patternscope.study.fitted_part import FittedPart
from patternscope.study.network_factory import recording_options
from patternscope.study.run import resolved_settings, saved_settings
from patternscope.study.stages.evidence import measure_evidence
from patternscope.study.stages.features import soft_probabilities
from patternscope.study.stages.images import describe_images
from patternscope.study.stages.knowledge import count_points
from patternscope.study.stages.region import embed_regions
from patternscope.study.stages.sample import embed_samples
from patternscope.workflow.stages import Unit

SIZES = (500, 1000, 2000)


@dataclass(frozen=True)
class Measured:
    """Evidence and reliable points of a layer, and the half width of the interval of the evidence."""

    bits: float
    readable: float
    points: float
    error: float
    half_width: float
    seconds: float


def main(study: str, per_class: int = 500, choices: int = 3) -> None:
    folder = Path(study)
    settings, axes = saved_settings(folder)
    results = open_results(folder)
    settings = resolved_settings(settings, len(results.classes))
    drawn = open_images(
        "pictograms", image_size=settings.images.image_size, seed=1, train_per_class=2, test_per_class=per_class
    ).test
    pixels, names = drawn.batch(range(len(drawn))), [str(place) for place in range(len(drawn))]
    file = results.folders[Unit("training", axes.checkpoints - 1)] / "network.safetensors"
    network = rebuilt_network(settings.network, settings.images, len(drawn.classes), None, file)
    recorded = record(network, pixels, axes.layers, settings.network.grid, **recording_options(settings.network))
    features = FeaturesResult(
        sample_features=recorded.sample_features,
        logits=recorded.logits,
        target_probs=soft_probabilities(recorded.logits, settings.network.temperature),
        layers=tuple(LayerShape(name, f.shape[1], f.shape[2:]) for name, f in recorded.regional_features.items()),
        samples=len(drawn),
        regional=FeaturesInMemory(recorded.regional_features),
    )
    for layer in reversed(axes.layers[1:]):
        for size in (*SIZES, len(drawn)):
            found = []
            for choice in range(choices if size < len(drawn) else 1):
                images = describe_images(
                    pixels, drawn.labels, drawn.classes, names, source="drawn", fit_samples=size, seed=choice
                )
                found.append(measure(settings, images, features, layer))
            row(f"{layer}: maps of {size:,} of {len(drawn):,}", *cells(found))


def measure(settings: StudySettings, images: ImagesResult, features: FeaturesResult, layer: str) -> Measured:
    """Fit a layer to the part of the images that it asks for, and judge them all."""
    begun, seed = time.process_time(), settings.seed
    sample = embed_samples(settings.sample, features, seed, part=FittedPart.among(images))
    regional, mu, kappa_max = features.regional.open(layer), sample.mean_directions, settings.region.kappa_max
    probs = features.target_probs
    region = embed_regions(settings.region, "calibrated", regional, probs, sample, None, images, seed)
    unit = region.mean_strength_of_all
    told = measure_evidence(settings.knowledge, images, mu, region, regional, unit, kappa_max, seed)
    known = count_points(settings.knowledge, images, mu, region, told, region.mean_strength, kappa_max, seed)
    bits = told.evidence
    half = (bits.high - bits.low) / 2
    values = (bits.value, told.readable.value, known.counts.reliable.value, told.calibration_error)
    return Measured(*values, half, time.process_time() - begun)


def cells(found: list[Measured]) -> Iterator[str]:
    """Means over choices with standard deviations."""

    def said(name: str) -> str:
        values = [getattr(each, name) for each in found]
        return f"{statistics.fmean(values):.3f}" + (f" sd {statistics.stdev(values):.3f}" if len(values) > 1 else "")

    yield f"{said('bits')} bits (interval ±{found[0].half_width:.3f})"
    yield f"readable {said('readable')}; reliable points {said('points')}; calibration error {said('error')}"
    yield f"{statistics.fmean(each.seconds for each in found):.1f} s of processor"


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
