"""Importance weights of odd and extreme input: finite, on their simplices, and never worse than uniform ones."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_input import FEATURES, PROBS, SHAPES, TYPES, regional_features, target_probs

from patternscope.embeddings import ImportanceWeight


@settings(max_examples=60)
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
def test_finite_on_the_simplex_and_no_worse_than_uniform(seed, n, shape, features, probs, kappa_max, dtype, params):
    generator = torch.Generator().manual_seed(seed)
    full_shape = (n, shape[0], *shape[1])
    data = {
        "target_probs": target_probs(probs, n, generator).to(dtype),
        "regional_features": regional_features(features, full_shape, generator).to(dtype),
    }
    weight = ImportanceWeight(*full_shape, kappa_max=kappa_max).estimate(data, params)
    for rows, length in ((weight.region_weights, shape[1][0] * shape[1][1]), (weight.channel_weights, shape[0])):
        assert rows.shape == (n, length)
        assert torch.isfinite(rows).all()
        assert (rows >= 0).all()
        torch.testing.assert_close(rows.sum(1).double(), torch.ones(n).double(), rtol=0, atol=1e-4)
    losses = torch.tensor(weight.trace.losses)
    assert torch.isfinite(losses).all()
    assert (losses.diff() <= 1e-6 * (1 + losses[:-1])).all()
