"""Importance weights of odd and extreme input: finite, on their simplices, and never worse than uniform ones."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.embeddings import ImportanceWeight

FEATURES = ["usual", "some zero", "zeros", "constant", "duplicates", "tiny", "huge", "signed", "one channel"]
PROBS = ["usual", "two classes", "one-hot", "uniform", "all alike"]
TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
# Channels and grid: each reaches its end, not both at once.
SHAPES = [
    (3, (28, 28)),
    (3, (1, 1)),
    (17, (3, 2)),
    (48, (8, 8)),
    (200, (1, 7)),
    (2048, (1, 2)),
    (2048, (1, 1)),
]


def regional_features(kind: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    usual = torch.randn(shape, generator=generator).relu()
    return {
        "usual": usual,
        "some zero": usual * (torch.rand(shape[0], 1, *shape[2:], generator=generator) < 0.5),
        "zeros": torch.zeros(shape),
        "constant": torch.ones(shape),
        "duplicates": usual[:1].repeat(shape[0], 1, 1, 1),
        "tiny": usual * 1e-7,
        "huge": usual * 1e4,
        "signed": usual - 0.5,
        "one channel": torch.eye(shape[1])[0][:, None, None].expand(shape).contiguous(),
    }[kind]


def target_probs(kind: str, n: int, generator: torch.Generator) -> torch.Tensor:
    logits = torch.randn(n, 2 if kind == "two classes" else 5, generator=generator)
    return {
        "one-hot": torch.eye(5)[logits.argmax(1) % 5],
        "uniform": torch.full((n, 5), 0.2),
        "all alike": logits[:1].softmax(1).repeat(n, 1),
    }.get(kind, logits.softmax(1))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 6),
    shape=st.sampled_from(SHAPES),
    features=st.sampled_from(FEATURES),
    probs=st.sampled_from(PROBS),
    kappa_max=st.sampled_from(["auto", 0.1, 1.0, 1e3, 1e5]),
    dtype=st.sampled_from(TYPES),
    params=st.sampled_from([{}, {"match_dtype": "bfloat16"}, {"solver": "joint"}, {"lr": 3.0}]),
)
def test_finite_on_the_simplex_and_no_worse_than_uniform(
    seed, n, shape, features, probs, kappa_max, dtype, params
):
    generator = torch.Generator().manual_seed(seed)
    full_shape = (n, shape[0], *shape[1])
    data = {
        "target_probs": target_probs(probs, n, generator).to(dtype),
        "regional_features": regional_features(features, full_shape, generator).to(dtype),
    }
    weight = ImportanceWeight(*full_shape, kappa_max=kappa_max).estimate(data, params)
    for rows, length in (
        (weight.region_weights, shape[1][0] * shape[1][1]),
        (weight.channel_weights, shape[0]),
    ):
        assert rows.shape == (n, length)
        assert torch.isfinite(rows).all()
        assert (rows >= 0).all()
        torch.testing.assert_close(rows.sum(1).double(), torch.ones(n).double(), rtol=0, atol=1e-4)
    losses = torch.tensor(weight.trace.losses)
    assert torch.isfinite(losses).all()
    assert (losses.diff() <= 1e-6 * (1 + losses[:-1])).all()
