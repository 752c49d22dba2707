"""What the regional fit minimises: its gradients, and what it leaves out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import region_data

from patternscope.embeddings.matched_regions import kept_counts, match_anchors
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.embeddings.regional_objective import RegionalObjective
from patternscope.similarity import match_regions, target_log_similarity
from patternscope.similarity.embedding_scores import embedded_scores


def objective(data, omitted=0.0, at_once=None, **changes) -> RegionalObjective:
    data = {name: each.double() for name, each in data.items()}
    features, probs = data["regional_features"], data["target_probs"]
    neighbours = find_neighbours(features, probs, 100, 0)
    blocks, _ = match_anchors(features, data["w_k"], data["w_r"], neighbours, omitted=omitted, at_once=at_once)
    numbers = {"kappa_max": 1000.0, "lambda_kl": 1.0, "lambda_mi": 1.0, "wd": 5e-4} | changes
    return RegionalObjective(
        features=features,
        sample_embedding=data["sample_embs"],
        region_weights=data["w_r"],
        candidates=neighbours.candidates,
        log_target=target_log_similarity(probs, torch.arange(len(probs)), neighbours.samples, 5.0),
        blocks=blocks,
        scale=torch.tensor(1.5, dtype=torch.float64),
        **numbers,
    )


def some_map(k: int = 8, seed: int = 1) -> torch.Tensor:
    return torch.randn(3, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=8)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(2, 8), st.integers(0, 99))
def test_scores_are_a_loop_over_pairs_and_their_gradient_that_of_differences(b, m, a, e, seed):
    generator = torch.Generator().manual_seed(seed)
    pulls = torch.randn(b, a, e, generator=generator, dtype=torch.float64, requires_grad=True)
    table = torch.randn(7, e, generator=generator, dtype=torch.float64, requires_grad=True)
    rows = torch.randint(7, (b, m, a), generator=generator)
    wanted = [[sum(pulls[i, r] @ table[rows[i, j, r]] for r in range(a)) for j in range(m)] for i in range(b)]
    torch.testing.assert_close(embedded_scores(pulls, table, rows), torch.stack([torch.stack(row) for row in wanted]))
    assert torch.autograd.gradcheck(lambda p, t: embedded_scores(p, t, rows), (pulls, table))


@pytest.mark.parametrize("changes", [{}, {"lambda_kl": 0.0, "wd": 0.0}, {"lambda_mi": 0.1, "kappa_max": 10.0}])
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
    assert len(single.blocks) == 24 > len(whole.blocks)
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
    blocks, moment = match_anchors(
        data["regional_features"], data["w_k"], data["w_r"], neighbours, omitted=0.3, at_once=4
    )
    seen = torch.cat([block.anchors for block in blocks])
    assert sorted(seen.tolist()) == list(range(9))
    for block in blocks:
        for place, anchor in enumerate(block.anchors.tolist()):
            wanted = match_regions(rows, data["w_k"], anchor, neighbours.samples[anchor])
            assert torch.equal(block.matches[place].long(), wanted[:, block.regions[place]])
            assert torch.equal(block.weights[place], data["w_r"][anchor][block.regions[place]])
    wanted = torch.zeros(8, 8)
    for block in blocks:
        for anchor, regions in zip(block.anchors, block.regions, strict=True):
            for region in regions:
                unit = rows[anchor, region] / rows[anchor, region].norm()
                wanted += data["w_r"][anchor, region] * torch.outer(unit, unit) / 9
    torch.testing.assert_close(moment, wanted)


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 20), st.sampled_from([0.0, 1e-3, 0.1, 0.9]), st.integers(0, 99))
def test_regions_omitted_have_no_more_weight_than_agreed(n, r, omitted, seed):
    weights = (5 * torch.randn(n, r, generator=torch.Generator().manual_seed(seed))).double().softmax(1)
    for row, count in zip(weights, kept_counts(weights, omitted).tolist(), strict=True):
        lightest = row.sort().values
        assert lightest[: r - count].sum() <= omitted
        assert count == 1 or lightest[: r - count + 1].sum() > omitted


def test_what_is_omitted_hardly_changes_the_objective():
    data = region_data(n=30, h=5, w=5)
    data["w_r"] = data["w_r"].pow(30) / data["w_r"].pow(30).sum(1, keepdim=True)
    exact, near = objective(data), objective(data, omitted=1e-3)
    compared = [sum(each.regions.numel() for each in side.blocks) for side in (exact, near)]
    assert compared[1] < compared[0]
    for first, second in zip(exact.evaluate(some_map()), near.evaluate(some_map()), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-2, atol=1e-2)
