"""The regional fit by the likelihood beside the paper's objective, in one run: time, and what unseen regions tell.

    python benchmarks/bench_objectives.py STUDY [LAYER]

STUDY is a finished study such as the demo's; by default its last layer. Times are of this process's processor: what
else the machine does bears on them less than on the clock.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gpu_check import CLASSES, Size, planted
from torch import Tensor

from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.knowledge.region_evidence import evidence
from patternscope.results.features import FeaturesResult
from patternscope.results.study import open_results
from patternscope.study.judges import judge_images
from patternscope.study.run import resolved_settings, saved_settings
from patternscope.study.stages.region import embed_regions

PAPER = Size(500, 512, 14, 100)
WEIGHTY = 48  # regions that carry weight in a layer of the paper's size, as measured on real features
REPEATS = 2
Timed = tuple[float, Any]


def of_study(folder: Path, layer: str | None) -> None:
    """All fits of a layer of a study, seven to its images and halves of them, and the evidence they give."""
    settings, axes = saved_settings(folder)
    results = open_results(folder)
    images = results.images
    settings = resolved_settings(settings, len(images.classes))
    layer = layer or axes.layers[-1]
    features, sample = results.load(FeaturesResult), results.sample()
    regional, weights = features.regional.read(layer), results.importance(layer)

    def run(objective: str) -> Any:
        asked = settings.region.model_copy(update={"objective": objective})
        return embed_regions(
            asked, "calibrated", regional, features.target_probs, sample, weights, images, settings.seed
        )  # fmt: skip

    def told(result: Any) -> str:
        judged = judge_images(result, regional, images.labels, sample.mean_directions, settings.region.kappa_max)
        found = evidence(judged.log_posterior, images.labels)
        error = f"calibration error {found.calibration_error:.3f}"
        return f"{found.bits:.3f} bits per region ({found.low:.3f} to {found.high:.3f}), {error}"

    n, k, height, width = regional.shape
    fits = 1 + settings.region.folds * settings.region.splits
    _side_by_side(f"{layer}, n {n}, k {k}, r {height * width}: {fits} fits", run, told)


def of_the_papers_size() -> None:
    """One fit to planted features of the paper's size; the paper's objective with its match."""
    layer = planted(PAPER)
    samples = SampleEmbedding(PAPER.k, CLASSES - 1).fit(
        {"target_probs": layer.probs, "sample_features": layer.sample}
    )  # fmt: skip
    data = {
        "target_probs": layer.probs, "regional_features": layer.regional, "sample_embs": samples.embedding,
        "mean_directions": samples.mean_directions, "w_r": _weights(),
        "w_k": torch.full((PAPER.n, PAPER.k), 1 / PAPER.k),
    }  # fmt: skip
    _side_by_side(
        f"{PAPER}: one fit",
        lambda objective: RegionEmbedding(PAPER.k, CLASSES - 1).fit(data, {"objective": objective}),
        lambda fitted: f"{fitted.trace.steps} steps",
    )


def _weights() -> Tensor:
    """Weights (n, r) on the first regions, where the class is planted, alone."""
    weights = torch.zeros(PAPER.n, PAPER.side**2)
    weights[:, :WEIGHTY] = 1 / WEIGHTY
    return weights


def _side_by_side(what: str, run: Callable[[str], Any], told: Callable[[Any], str]) -> None:
    """Print a row: either objective in turn, the shorter of each one's times."""
    run("likelihood")  # what a process does once
    times: dict[str, list[float]] = {"likelihood": [], "paper": []}
    found: dict[str, str] = {}
    for _ in range(REPEATS):
        for objective, spent in times.items():
            start = time.process_time()
            result = run(objective)
            spent.append(time.process_time() - start)
            found[objective] = told(result)
    ours, theirs = (min(spent) for spent in times.values())
    print(
        f"| {what} | {theirs / ours:.1f} x | {ours:.2f} s; {found['likelihood']} "
        f"| {theirs:.2f} s; {found['paper']} |", flush=True
    )  # fmt: skip


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| what | ratio | likelihood | paper's objective |\n|---|---|---|---|")
    of_study(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
    of_the_papers_size()


if __name__ == "__main__":
    main()
