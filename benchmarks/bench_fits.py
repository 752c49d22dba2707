"""The sample and the regional embedding against the published protocols."""

import bench_features
import naive_loops
import torch
from bench_importance import weights
from measuring import row, seconds

from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.knowledge import find_knowledge_points


def region() -> None:
    data = bench_features.load()
    weight = weights(data)
    sample = SampleEmbedding(512).fit({"target_probs": data.probs, "sample_features": data.sample})
    given = {
        "target_probs": data.probs, "regional_features": data.regional, "sample_embs": sample,
        "w_k": weight.channel_weights, "w_r": weight.region_weights,
    }  # fmt: skip
    ours = RegionEmbedding(512).fit(given)
    published = RegionEmbedding(512).fit(given, {"solver": "sgd"})
    neighbours = find_neighbours(data.regional, data.probs, 100, 0)
    matches = torch.randint(196, (100, 196), generator=torch.Generator().manual_seed(0))
    flat = data.regional.flatten(2)
    a_step = seconds(
        lambda: naive_loops.region_step(
            ours.map, flat, 0, neighbours.samples[0], matches, weight.region_weights[0], 100.0
        ),
        3,
    )
    theirs = a_step * 500 * 20

    def judged(fitted: RegionEmbedding) -> str:
        points = find_knowledge_points(fitted(data.regional), sample.mean_directions, data.labels)
        return f"objective {fitted.trace.parts['objective']:.4f}, reliable ratio {points.ratio:.3f}"

    mine = f"{ours.trace.seconds:.1f} s, {judged(ours)}"
    row("regional fit, 20 passes", f"{theirs / ours.trace.seconds:.0f} x", mine,
        f"{theirs:.0f} s ({a_step * 1e3:.0f} ms a step), {judged(published)}")  # fmt: skip
    row("published protocol, in batches of our own", f"{theirs / published.trace.seconds:.0f} x",
        f"{published.trace.seconds:.1f} s", "")  # fmt: skip


def sample() -> None:
    data = bench_features.load()
    given = {"target_probs": data.probs, "sample_features": data.sample}
    published = SampleEmbedding(512, scale=40.0).fit(given, {"solver": "sgd"})
    ours = SampleEmbedding(512).fit(given)
    wanted = published.trace.parts["kl"]
    for steps in range(1, 201):
        fitted = SampleEmbedding(512).fit(given, {"n_step": steps})
        if fitted.trace.parts["kl"] <= wanted:
            break
    row("sample fit, to the published protocol's loss", f"{published.trace.seconds / fitted.trace.seconds:.1f} x",
        f"{fitted.trace.seconds:.2f} s ({steps} iterations); to the end {ours.trace.seconds:.2f} s, "
        f"loss {ours.trace.parts['kl']:.2f}", f"{published.trace.seconds:.1f} s, loss {wanted:.2f}")  # fmt: skip
