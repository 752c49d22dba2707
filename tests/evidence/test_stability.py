"""The stability of verdicts over seeds against the naive writing."""

import itertools

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.uncertainty.stability import verdict_stability
from patternscope.errors import InputError

CASES = settings(max_examples=20)


@CASES
@given(st.integers(2, 5), st.integers(0, 999))
def test_stability_agrees_with_the_naive_writing(seeds, seed):
    verdicts = torch.from_numpy(np.random.default_rng(seed).random((seeds, 3, 4)) < 0.5)
    verdicts[:, 0, 0] = True
    rows = verdicts.flatten(1).tolist()
    found = verdict_stability(verdicts)
    assert found.agreement == pytest.approx(naive.seeds_agree(rows))
    overlaps = [naive.jaccard(a, b) for a, b in itertools.combinations(rows, 2)]
    assert found.overlap == pytest.approx(np.mean(overlaps))
    share = float(verdicts.double().mean())
    chance = share**2 + (1 - share) ** 2
    if chance < 1:
        assert found.kappa == pytest.approx((found.agreement - chance) / (1 - chance))
    # Neither the order of seeds nor that of regions matters.
    turned = verdict_stability(verdicts.flip(0, 2))
    assert (turned.agreement, turned.overlap) == pytest.approx((found.agreement, found.overlap))


def test_stability_of_equal_of_chance_and_of_no_verdicts():
    drawn = torch.from_numpy(np.random.default_rng(0).random((2, 100, 100)) < 0.3)
    same = verdict_stability(drawn[:1].repeat(4, 1, 1))
    assert (same.agreement, same.kappa, same.overlap) == pytest.approx((1, 1, 1))
    assert verdict_stability(drawn).kappa == pytest.approx(0, abs=0.03)
    none = verdict_stability(torch.zeros(2, 3, 4).bool())
    assert (none.agreement, none.kappa, none.overlap) == (1, None, None)


@pytest.mark.parametrize(
    ("verdicts", "said"), [(torch.zeros(1, 2, 3).bool(), "s >= 2"), (torch.zeros(2, 2, 3), "float32")]
)
def test_refuse(verdicts, said):
    with pytest.raises(InputError, match=said):
        verdict_stability(verdicts)
