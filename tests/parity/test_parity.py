"""The public functions against what the published code computed, gradients included."""

from pathlib import Path

import numpy as np
import pytest
import torch

from patternscope.embeddings import SampleEmbedding
from patternscope.embeddings.objectives import align_loss, sample_loss
from patternscope.radial import concentration, log_posterior, mean_directions, procrustes
from patternscope.similarity import (
    embedding_log_similarity,
    feature_log_similarity,
    match_regions,
    target_log_similarity,
)

HERE = Path(__file__).parent


def load(name: str) -> dict[str, torch.Tensor]:
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.as_tensor(file[key]) for key in file}


def close(seen, wanted) -> None:
    wanted = torch.as_tensor(wanted, dtype=torch.float64)
    torch.testing.assert_close(torch.as_tensor(seen).double(), wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))


def by_regions(features: torch.Tensor) -> torch.Tensor:
    return features.flatten(2).transpose(1, 2).contiguous()


def divergence(log_p, log_q):
    return (log_p.exp() * (log_p - log_q)).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sample_embedding_posterior_loss_and_gradient(dtype):
    d = load("sample")
    features, probs = d["features"].to(dtype) / d["scale"].to(dtype), d["target_probs"].to(dtype)
    weight, kappa_max = d["weight"].to(dtype).requires_grad_(), float(d["kappa_max"])
    embedding = features @ weight.T
    close(embedding.detach(), d["embedding"])
    close(concentration(embedding.detach().norm(dim=1), kappa_max), d["kappa"])
    directions = mean_directions(embedding, probs, kappa_max)
    close(directions.detach(), d["mean_directions"])
    close(probs.mean(0), d["class_prior"])
    close(log_posterior(embedding, directions, kappa_max, probs.mean(0).log()).exp().detach(), d["posterior"])
    loss = sample_loss(weight, features, probs, kappa_max)
    close(loss.detach(), d["loss"])
    close(torch.autograd.grad(loss, weight)[0], d["grad_weight"])


def test_fitted_sample_embedding_gives_the_same_posterior():
    d = load("sample")
    fitted = SampleEmbedding(12, scale=float(d["scale"]), kappa_max=float(d["kappa_max"]))
    fitted.load_state_dict(
        {
            "map": d["weight"],
            "scale": d["scale"].float(),
            "mean_directions": d["mean_directions"],
            "class_prior": d["class_prior"],
        }
    )
    close(fitted(d["features"]), d["embedding"])
    close(fitted.posterior(d["features"]), d["posterior"])


def test_alignment():
    d = load("alignment")
    features, target, weight = d["features"] / d["scale"].float(), d["target_embedding"], d["weight"]
    weight = procrustes(features @ weight.T, target, metric="l2").T @ weight
    close(weight, d["weight_after_l2"])
    weight = procrustes(features @ weight.T, target, trim=0.1, metric="cosine").T @ weight
    close(weight, d["weight_after_trimmed_cosine"])


def test_importance_similarities_loss_and_gradients():
    d = load("importance")
    features, anchor, neighbours = (by_regions(d["regional_features"]).double(), int(d["anchor"]), d["neighbours"])
    v, w = (d[name].double().requires_grad_() for name in ("channel_weights", "region_weights"))
    log_p = target_log_similarity(d["target_probs"].double(), anchor, neighbours, float(d["kappa_prob"]))
    matches = match_regions(features, v.detach(), anchor, neighbours)
    log_q = feature_log_similarity(features, v, w, matches, anchor, neighbours, float(d["kappa_max"]))
    close(log_p.exp(), d["target_similarity"])
    close(log_q.exp().detach(), d["estimated_similarity"])
    loss = divergence(log_p, log_q)
    close(loss.detach(), d["loss"])
    grad_v, grad_w = torch.autograd.grad(loss, (v, w))
    close(grad_v[anchor], d["grad_channel"])
    close(grad_w[anchor], d["grad_region"])


def test_region_match_similarities_losses_and_gradient():
    d = load("region")
    features, anchor, neighbours = (by_regions(d["regional_features"]).double(), int(d["anchor"]), d["neighbours"])
    v, w = d["channel_weights"].double(), d["region_weights"].double()
    for i in range(len(features)):
        others = torch.tensor([j for j in range(len(features)) if j != i])
        assert torch.equal(match_regions(features, v, i, others), d["matched_region"][i, others])
    weight = d["weight"].double().requires_grad_()
    embedding = features @ weight.T / float(d["scale"])
    close(embedding.detach(), d["region_embedding"])
    log_p = target_log_similarity(d["target_probs"].double(), anchor, neighbours, float(d["kappa_prob"]))
    matches = d["matched_region"][anchor, neighbours]
    log_q = embedding_log_similarity(embedding, w, matches, anchor, neighbours, float(d["kappa_max"]))
    close(log_p.exp(), d["target_similarity"])
    close(log_q.exp().detach(), d["estimated_similarity"])
    one = slice(anchor, anchor + 1)
    align = align_loss(embedding[one], w[one], d["sample_embedding"][one].double())
    similarity = divergence(log_p, log_q)
    close(similarity.detach(), d["similarity_loss"])
    close(align.detach(), d["align_loss"])
    (grad,) = torch.autograd.grad(similarity + float(d["align_weight"]) * align, weight)
    close(grad, d["grad_weight"])


def test_knowledge_posterior():
    d = load("knowledge")
    h, kappa_max = d["region_embedding"].double(), float(d["kappa_max"])
    h = h / h.norm(dim=-1).mean()
    close(concentration(h.norm(dim=-1), kappa_max), d["kappa"])
    close(log_posterior(h, d["mean_directions"].double(), kappa_max).exp(), d["posterior"])
