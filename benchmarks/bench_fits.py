"""The sample and the regional embedding against the published protocols."""

import bench_features
import naive_loops
import torch
from bench_importance import weights
from measuring import row, seconds, timed
from torch import Tensor

from patternscope.embeddings import RegionEmbedding, SampleEmbedding, regional_solver
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.knowledge import find_knowledge_points
from patternscope.similarity import target_log_similarity


def region() -> None:
    """Time to the published protocol's objective, and to the end; without the match on both sides."""
    data = bench_features.load()
    weight = weights(data)
    sample = SampleEmbedding(512).fit({"target_probs": data.probs, "sample_features": data.sample})
    given = {
        "target_probs": data.probs, "regional_features": data.regional, "sample_embs": sample,
        "w_k": weight.channel_weights, "w_r": weight.region_weights,
    }  # fmt: skip

    def fitted(**params: object) -> tuple[RegionEmbedding, float]:
        with timed((regional_solver, "match_anchors")) as spent:
            embedding = RegionEmbedding(512).fit(given, params)
        return embedding, embedding.trace.seconds - sum(spent["match_anchors"])

    def judged(embedding: RegionEmbedding) -> str:
        points = find_knowledge_points(embedding(data.regional), sample.mean_directions, data.labels)
        return f"objective {embedding.trace.parts['objective']:.4f}, reliable ratio {points.ratio:.3f}"

    published, seconds_published = fitted(solver="sgd")
    goal = published.trace.parts["objective"]
    ours, seconds_ours = fitted()
    as_good, seconds_as_good = next(
        fit for fit in (fitted(n_step=steps) for steps in range(1, 101))
        if fit[0].trace.parts["objective"] <= goal
    )  # fmt: skip
    a_step = _naive_step(data, ours, sample, weight.region_weights)
    theirs = a_step * len(data.regional) * 20
    loop = f"{theirs:.0f} s ({a_step * 1e3:.0f} ms a step), {judged(published)}"
    row("regional fit, to the published protocol's objective", f"{theirs / seconds_as_good:.0f} x",
        f"{seconds_as_good:.2f} s, {judged(as_good)}", loop)  # fmt: skip
    row("regional fit, to the end", f"{theirs / seconds_ours:.0f} x", f"{seconds_ours:.2f} s, {judged(ours)}", "")
    row("match of the fit", "-", f"{ours.trace.seconds - seconds_ours:.2f} s", "")
    row('solver="sgd", without its match', f"{theirs / seconds_published:.1f} x", f"{seconds_published:.0f} s", "")


def _naive_step(
    data: bench_features.Features, fitted: RegionEmbedding, sample: SampleEmbedding, region_weights: Tensor
) -> float:
    neighbours, regions = find_neighbours(data.regional, data.probs, 100, 0).samples[0], data.regional[0, 0].numel()
    generator = torch.Generator().manual_seed(0)
    matches = torch.randint(regions, (len(neighbours), regions), generator=generator)
    log_target = target_log_similarity(data.probs, torch.arange(1), neighbours[None])[0]
    flat = data.regional.flatten(2)
    return seconds(
        lambda: naive_loops.region_step(
            fitted.fitted_map(), flat, 0, neighbours, matches, region_weights[0], log_target,
            sample.embedding[0], fitted.scale,
        ), 10,
    )  # fmt: skip


def sample() -> None:
    data = bench_features.load()
    given = {"target_probs": data.probs, "sample_features": data.sample}
    published = SampleEmbedding(512, scale=40.0).fit(given, {"solver": "sgd"})
    ours = SampleEmbedding(512).fit(given)
    goal = published.trace.parts["kl"]
    for steps in range(1, 201):
        fitted = SampleEmbedding(512).fit(given, {"n_step": steps})
        if fitted.trace.parts["kl"] <= goal:
            break
    row("sample fit, to the published protocol's loss", f"{published.trace.seconds / fitted.trace.seconds:.1f} x",
        f"{fitted.trace.seconds:.2f} s ({steps} iterations); to the end {ours.trace.seconds:.2f} s, "
        f"loss {ours.trace.parts['kl']:.2f}", f"{published.trace.seconds:.1f} s, loss {goal:.2f}")  # fmt: skip
