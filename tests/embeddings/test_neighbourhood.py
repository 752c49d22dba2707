"""Neighbours by what the network sees, and neighbours that are given."""

import pytest
import torch

from patternscope.embeddings import ImportanceWeight, RegionEmbedding
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.errors import InputError
from patternscope.similarity import choose_neighbours


def seen(n: int = 300, classes: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(n, 6, 2, 2, generator=generator), (9 * torch.randn(n, classes, generator=generator)).softmax(1)


def test_another_machines_rounding_chooses_the_same_neighbours():
    features, probs = seen()
    noise = 1 + 2e-7 * torch.randn(probs.shape, generator=torch.Generator().manual_seed(1))
    plain = find_neighbours(features, probs, 100, 0).candidates
    other = find_neighbours(features * (1 + 1e-7), probs * noise, 100, 0).candidates
    assert len(set(plain.tolist()) & set(other.tolist())) >= 99


def test_samples_of_rounded_content_are_told_apart_in_any_order():
    features = torch.ones(40, 1, 1, 1) + 1e-5 * torch.randperm(40)[:, None, None, None]
    probs = torch.tensor([1.0, 0.0]).repeat(40, 1)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(3))
    plain = find_neighbours(features, probs, 7, 0).samples
    moved = find_neighbours(features[order], probs[order], 7, 0).samples
    assert torch.equal(order[moved], plain[order])


def test_given_neighbours_are_those_compared_with():
    features, probs = seen(12, 3)
    data = {"target_probs": probs, "regional_features": features}
    given = choose_neighbours(torch.arange(12), torch.zeros(12).long(), 4, 7)
    by_given = ImportanceWeight(*features.shape).estimate({**data, "neighbours": given}, {"n_step": 3})
    by_content = ImportanceWeight(*features.shape).estimate(data, {"n_step": 3, "kl_sample_num": 4})
    assert not torch.equal(by_given.region_weights, by_content.region_weights)
    # A sample that nobody is compared with does not change the others.
    absent = next(each for each in range(12) if each not in given.candidates)
    features[absent] += 1.0
    again = ImportanceWeight(*features.shape).estimate({**data, "neighbours": given}, {"n_step": 3})
    others = torch.arange(12) != absent
    assert torch.allclose(again.region_weights[others], by_given.region_weights[others])


def test_neighbours_of_other_samples_are_refused():
    features, probs = seen(12, 3)
    data = {"target_probs": probs, "regional_features": features}
    other = choose_neighbours(torch.arange(9), torch.zeros(9).long(), 4, 7)
    with pytest.raises(InputError, match="neighbours: expected those of 12 samples, got 9"):
        ImportanceWeight(*features.shape).estimate({**data, "neighbours": other})
    weights = {"w_k": torch.full((12, 6), 1 / 6), "w_r": torch.full((12, 4), 0.25)}
    with pytest.raises(InputError, match="neighbours: expected those of 12 samples, got 9"):
        RegionEmbedding(6).fit({**data, **weights, "sample_embs": torch.rand(12, 3), "neighbours": other})
    with pytest.raises(InputError, match=r"neighbours: expected the result of .* got Tensor"):
        ImportanceWeight(*features.shape).estimate({**data, "neighbours": other.samples})
