"""Both embeddings of odd and extreme input: finite, no worse than at the start, and no warning without a reason."""

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from odd_input import FEATURES, PROBS, SHAPES, TYPES, regional_features, target_probs

from patternscope.embeddings import RegionEmbedding, SampleEmbedding

# A fit begins with the solution of as many equations as there are channels: of the most channels one case is enough.
FEWER = [shape for shape in SHAPES if shape[0] < 2048]
EXTREME = {"seed": 0, "e": 8, "features": "huge", "probs": "one-hot", "kappa_max": 1e5, "dtype": torch.float16}
KAPPAS = st.sampled_from([0.1, 1.0, 10.0, 1e3, 1e5])


def check(trace, *results: torch.Tensor) -> None:
    for result in results:
        assert torch.isfinite(result).all()
    losses = torch.tensor(trace.losses, dtype=torch.float64)
    assert torch.isfinite(losses).all()
    assert losses[-1] <= losses[0] + 1e-6 * (1 + losses[0].abs())


@settings(max_examples=15)
@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 9),
    d=st.sampled_from([3, 17, 90]),
    e=st.integers(2, 8),
    features=st.sampled_from(FEATURES),
    probs=st.sampled_from(PROBS),
    kappa_max=KAPPAS,
    dtype=st.sampled_from(TYPES),
)
@example(n=9, d=2048, **EXTREME)
def test_sample_embedding(seed, n, d, e, features, probs, kappa_max, dtype):
    generator = torch.Generator().manual_seed(seed)
    data = {
        "target_probs": target_probs(probs, n, generator).to(dtype),
        "sample_features": regional_features(features, (n, d, 1, 1), generator).flatten(1).to(dtype),
    }
    fitted = SampleEmbedding(d, e, kappa_max=kappa_max).fit(data)
    posterior = fitted.posterior(data["sample_features"])
    check(fitted.trace, fitted.map, fitted.embedding, fitted.mean_directions, posterior)
    torch.testing.assert_close(posterior.double().sum(1), torch.ones(n).double(), rtol=0, atol=1e-4)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 6),
    shape=st.sampled_from(FEWER),
    e=st.integers(2, 8),
    features=st.sampled_from(FEATURES),
    probs=st.sampled_from(PROBS),
    weights=st.sampled_from(["uniform", "random", "one region"]),
    kappa_max=KAPPAS,
    dtype=st.sampled_from(TYPES),
)
@example(n=6, shape=(2048, (1, 2)), weights="random", **EXTREME)
def test_regional_embedding(seed, n, shape, e, features, probs, weights, kappa_max, dtype):
    generator = torch.Generator().manual_seed(seed)
    k, (height, width) = shape
    r = height * width
    w = {
        "uniform": torch.full((n, r), 1 / r),
        "random": (5 * torch.randn(n, r, generator=generator)).softmax(1),
        "one region": torch.eye(r)[torch.randint(r, (n,), generator=generator)],
    }[weights]
    data = {
        "target_probs": target_probs(probs, n, generator).to(dtype),
        "regional_features": regional_features(features, (n, k, height, width), generator).to(dtype),
        "sample_embs": torch.randn(n, e, generator=generator),
        "w_k": torch.full((n, k), 1 / k),
        "w_r": w,
    }
    fitted = RegionEmbedding(k, e, kappa_max=kappa_max).fit(data)
    check(fitted.trace, fitted.map, fitted(data["regional_features"]))
