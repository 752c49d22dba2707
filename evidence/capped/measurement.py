"""Deletion with capped removal, on the network and on a copy that was fine-tuned under random masks.

python -m evidence capped [--studies WORD ...]

Writes into runs/evidence/capped: capped.csv (areas), capped_differences.csv (paired), section.md.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from evidence.capped import removal
from evidence.capped.removal import capped_masks, cross_entropy_under_masks
from evidence.capped.section import write
from evidence.deletion import class_probabilities, first_of_each_class
from evidence.measurements import Measurement, code_of
from evidence.recording import sample_pixels, trained_network
from evidence.studies import RUNS, SEEDS, CountedStudy, counted_studies
from evidence.tables import Row
from patternscope.errors import InputError
from patternscope.knowledge import removal_order
from patternscope.knowledge.faithfulness import mean_colour, replace_regions
from patternscope.networks import Normalised, TrainingSettings, grad_cam, train
from patternscope.results.study import StoredResults

CAP, STEPS, PER_CLASS = 0.25, 8, 10
FINE_TUNING = TrainingSettings(epochs=2, lr=0.001)
MASK_GRID = (8, 8)  # of the random masks that the copy is fine-tuned under


def measure_capped(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each of the last two layers, network and order: the area of each image, and the mean curve."""
    networks = {"as trained": trained_network(study, results), "fine-tuned": fine_tuned(study, results)}
    return [row for layer in study.layers[-2:] for row in _rows_of_layer(study, results, layer, networks)]


def fine_tuned(study: CountedStudy, results: StoredResults) -> Normalised:
    """Return a copy of the trained network, fine-tuned under random masks of at most CAP of the regions."""
    images = results.images.train
    if images is None:
        raise InputError(f"{study.name}: expected images to train on, got none")
    network = trained_network(study, results)
    objective = cross_entropy_under_masks(CAP, MASK_GRID)
    state = train(network, images.images[:], images.labels, FINE_TUNING, seed=study.seed, objective=objective)
    network.load_state_dict(state.network)
    return network.eval()


def _rows_of_layer(
    study: CountedStudy, results: StoredResults, layer: str, networks: dict[str, Normalised]
) -> Iterator[Row]:
    chosen = first_of_each_class(results.images.labels, PER_CLASS)
    importances = {name: found[chosen] for name, found in _importances(study, results, layer).items()}
    masks = capped_masks(torch.stack([removal_order(each) for each in importances.values()]), STEPS, CAP, study.seed)
    pixels, labels = sample_pixels(results)[chosen], results.images.labels[chosen]
    grid = results.region(layer).grid
    about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": layer}
    for kind, network in networks.items():
        curves = masked_curves(network, pixels, labels, masks, grid)
        for name, curve in zip(importances, curves, strict=True):
            areas = torch.trapezoid(curve, dx=1 / STEPS, dim=1)
            yield {
                **about,
                "asked": kind,
                "order": name,
                "areas": areas.tolist(),
                "mean_curve": curve.mean(dim=0).tolist(),
            }


def masked_curves(network: nn.Module, pixels: Tensor, labels: Tensor, masks: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the probability of the true class with no region removed and at each step: (orders, n, steps + 1).

    Masks (steps, orders, n, r) are of the regions of a grid of r.
    """
    probabilities, blank = class_probabilities(network), mean_colour(pixels)

    def of_class(images: Tensor) -> Tensor:
        parts = [probabilities(batch) for batch in images.split(256)]
        return torch.cat(parts).gather(1, labels[:, None])[:, 0]

    steps, orders = masks.shape[:2]
    curves = torch.empty(orders, len(labels), steps + 1)
    curves[..., 0] = of_class(pixels)
    for step in range(steps):
        for order in range(orders):
            curves[order, :, step + 1] = of_class(replace_regions(pixels, blank, masks[step, order], grid))
    return curves


def _importances(study: CountedStudy, results: StoredResults, layer: str) -> dict[str, Tensor]:
    """How important each order holds the regions of every sample (n, r)."""
    region, generator = results.region(layer), torch.Generator().manual_seed(study.seed)
    network, labels = trained_network(study, results), results.images.labels
    return {
        "evidence": results.evidence(layer).bits,
        "w": results.importance(layer).region_weights,
        "strength": torch.linalg.vector_norm(region.embedding, dim=-1),
        "grad_cam": grad_cam(network, sample_pixels(results), labels, [layer], region.grid)[layer],
        "random": torch.rand(region.embedding.shape[:2], generator=generator),
    }


MEASUREMENT = Measurement("capped", measure_capped, code_of(removal))


def main(words: Sequence[str] = ()) -> None:
    studies = counted_studies(words, seeds=SEEDS)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "capped", [row for study in studies for row in rows[study]])
