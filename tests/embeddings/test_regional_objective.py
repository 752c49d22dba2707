"""What the regional fit minimises: its gradients, and what it leaves out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import region_data

from patternscope.embeddings.matched_regions import compare, weighty_counts
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.embeddings.regional_objective import RegionalObjective
from patternscope.similarity import match_regions
from patternscope.similarity.embedded import embedded_scores
from patternscope.similarity.probabilities import target_log_similarities


def objective(data, left_out=0.0, at_once=None, **changes) -> RegionalObjective:
    data = {name: each.double() for name, each in data.items()}
    features, probs = data["regional_features"], data["target_probs"]
    neighbours = find_neighbours(features, probs, 100, 0)
    comparisons, _ = compare(
        features, data["w_k"], data["w_r"], neighbours, left_out=left_out, at_once=at_once
    )
    numbers = {"kappa_max": 1000.0, "lambda_kl": 1.0, "lambda_mi": 1.0, "wd": 5e-4} | changes
    return RegionalObjective(
        features=features,
        sample_embedding=data["sample_embs"],
        region_weights=data["w_r"],
        candidates=neighbours.candidates,
        log_target=target_log_similarities(probs, torch.arange(len(probs)), neighbours.samples, 5.0),
        comparisons=comparisons,
        scale=torch.tensor(1.5, dtype=torch.float64),
        **numbers,
    )


def some_map(k: int = 8, seed: int = 1) -> torch.Tensor:
    return torch.randn(3, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(2, 8), st.integers(0, 99))
def test_scores_are_a_loop_over_pairs_and_their_gradient_that_of_differences(b, m, a, e, seed):
    generator = torch.Generator().manual_seed(seed)
    pulls = torch.randn(b, a, e, generator=generator, dtype=torch.float64, requires_grad=True)
    table = torch.randn(7, e, generator=generator, dtype=torch.float64, requires_grad=True)
    rows = torch.randint(7, (b, m, a), generator=generator)
    wanted = [[sum(pulls[i, r] @ table[rows[i, j, r]] for r in range(a)) for j in range(m)] for i in range(b)]
    torch.testing.assert_close(
        embedded_scores(pulls, table, rows), torch.stack([torch.stack(row) for row in wanted])
    )
    assert torch.autograd.gradcheck(lambda p, t: embedded_scores(p, t, rows), (pulls, table))


@pytest.mark.parametrize(
    "changes", [{}, {"lambda_kl": 0.0, "wd": 0.0}, {"lambda_mi": 0.1, "kappa_max": 10.0}]
)
def test_gradient_is_that_of_differences(changes):
    given_, weight = objective(region_data(n=7, k=4), **changes), some_map(4)
    value, gradient = given_.evaluate(weight)
    assert float(value) == pytest.approx(given_.parts(weight)["objective"], rel=1e-10)
    for place in ((0, 0), (1, 3), (2, 2)):
        step = torch.zeros_like(weight)
        step[place] = 1e-6
        slope = (given_.evaluate(weight + step)[0] - given_.evaluate(weight - step)[0]) / 2e-6
        # kappa(l) is a table of cubics whose slopes agree with its values to five digits.
        assert float(gradient[place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


def test_blocks_change_nothing():
    data, weight = region_data(), some_map()
    whole, single = objective(data), objective(data, at_once=1)
    assert len(single.comparisons) == 24 > len(whole.comparisons)
    for first, second in zip(whole.evaluate(weight), single.evaluate(weight), strict=True):
        torch.testing.assert_close(first, second)
    candidate_features = single.features[single.candidates]
    blocks = [single.of_one_block(weight, torch.tensor(i), candidate_features) for i in range(24)]
    value = whole.parts(weight)["objective"] - 5e-4 / 2 * float(weight.square().sum())
    assert float(torch.stack(blocks).mean()) == pytest.approx(value, rel=1e-10)


def test_matches_are_those_of_each_pair():
    data = region_data(n=9)
    rows = data["regional_features"].flatten(2).transpose(1, 2)
    neighbours = find_neighbours(data["regional_features"], data["target_probs"], 5, 0)
    comparisons, moment = compare(
        data["regional_features"], data["w_k"], data["w_r"], neighbours, left_out=0.3, at_once=4
    )
    seen = torch.cat([compared.anchors for compared in comparisons])
    assert sorted(seen.tolist()) == list(range(9))
    for compared in comparisons:
        for place, anchor in enumerate(compared.anchors.tolist()):
            wanted = match_regions(rows, data["w_k"], anchor, neighbours.samples[anchor])
            assert torch.equal(compared.matches[place].long(), wanted[:, compared.regions[place]])
            assert torch.equal(compared.weights[place], data["w_r"][anchor][compared.regions[place]])
    wanted = torch.zeros(8, 8)
    for compared in comparisons:
        for anchor, regions in zip(compared.anchors, compared.regions, strict=True):
            for region in regions:
                unit = rows[anchor, region] / rows[anchor, region].norm()
                wanted += data["w_r"][anchor, region] * torch.outer(unit, unit) / 9
    torch.testing.assert_close(moment, wanted)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 20), st.sampled_from([0.0, 1e-3, 0.1, 0.9]), st.integers(0, 99))
def test_regions_left_out_have_no_more_weight_than_agreed(n, r, left_out, seed):
    weights = (5 * torch.randn(n, r, generator=torch.Generator().manual_seed(seed))).double().softmax(1)
    for row, count in zip(weights, weighty_counts(weights, left_out).tolist(), strict=True):
        lightest = row.sort().values
        assert lightest[: r - count].sum() <= left_out
        assert count == 1 or lightest[: r - count + 1].sum() > left_out


def test_what_is_left_out_hardly_changes_the_objective():
    data = region_data(n=30, h=5, w=5)
    data["w_r"] = data["w_r"].pow(30) / data["w_r"].pow(30).sum(1, keepdim=True)
    exact, near = objective(data), objective(data, left_out=1e-3)
    compared = [sum(each.regions.numel() for each in side.comparisons) for side in (exact, near)]
    assert compared[1] < compared[0]
    for first, second in zip(exact.evaluate(some_map()), near.evaluate(some_map()), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-2, atol=1e-2)
