"""A layer judged by halves: known answers, a loop, and what chance must give."""

from math import log2

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.cross_fits import JudgedLayer, judge, likelihood_fit, readable, true_class_odds, worth
from evidence.objectives.weighted import fit_weighted
from patternscope.embeddings import RegionEmbedding
from patternscope.radial import log_posterior

CLASSES = 4
DIRECTIONS = torch.nn.functional.normalize(torch.cat([torch.eye(3), -torch.ones(1, 3)]), dim=1)


def layer_of(seed: int, noise: float, n: int = 64, regions: tuple[int, int] = (2, 2)) -> JudgedLayer:
    """Images of which each region shows its class, in noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % CLASSES
    shown = torch.nn.functional.one_hot(labels, CLASSES).float()[:, :, None, None].expand(n, CLASSES, *regions)
    features = shown + noise * torch.randn(shown.shape, generator=generator)
    probs = torch.softmax(4 * torch.nn.functional.one_hot(labels, CLASSES).float(), dim=1)
    return JudgedLayer(features, probs, labels, (torch.arange(n) // CLASSES) % 2)


def judged(layer: JudgedLayer):
    return judge(likelihood_fit(layer, DIRECTIONS), layer, DIRECTIONS)


def test_what_each_region_shows_is_all_told():
    layer = layer_of(0, 0.01)
    found = worth(judged(layer), layer)
    assert found["evidence"] == pytest.approx(log2(CLASSES), abs=0.05)
    assert found["ratio"] == 1.0
    assert found["points"] == 4.0
    assert found["shared"] == 1.0
    assert found["error"] < 0.05
    assert found["on_object"] is None
    assert readable(layer)["readable"] == pytest.approx(log2(CLASSES), abs=0.05)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99))
def test_exchanged_features_tell_nothing(seed):
    layer = layer_of(seed, 0.5)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(seed))
    exchanged = JudgedLayer(layer.regional[order], layer.target_probs, layer.labels, layer.fold)
    # 64 images: what is found by chance is far below the two bits that are there.
    assert worth(judged(exchanged), exchanged)["evidence"] < 0.2


def test_each_image_is_judged_by_the_map_of_the_other_half():
    layer, fitted = layer_of(1, 0.5), []

    def fit(rows: torch.Tensor) -> RegionEmbedding:
        fitted.append(rows.tolist())
        return likelihood_fit(layer, DIRECTIONS)(rows)

    found = judge(fit, layer, DIRECTIONS)
    assert fitted == [[i for i in range(64) if layer.fold[i] == other] for other in (1, 0)]
    for half, rows in enumerate(fitted):
        own = layer.fold == half
        region = likelihood_fit(layer, DIRECTIONS)(torch.tensor(rows))
        expected = log_posterior(region(layer.regional[own]), DIRECTIONS, 1000.0)
        torch.testing.assert_close(found.raw[own], expected)


def test_odds_of_the_true_class_by_a_loop():
    layer = layer_of(2, 0.5)
    found = judged(layer)
    odds, p = true_class_odds(found, layer.labels), found.raw.double().exp()
    for image in (0, 1, 2, 3):
        for region in range(4):
            own = float(p[image, region, layer.labels[image]])
            assert float(odds[image, region]) == pytest.approx(torch.tensor(own / (1 - own)).log().item(), rel=1e-3)


def test_equal_weights_are_no_weights():
    layer = layer_of(3, 0.3)
    plain = likelihood_fit(layer, DIRECTIONS, sharpening=1.0)(torch.arange(64))
    even = torch.full((64, 4), 0.25)
    weighted = fit_weighted(layer.regional, layer.target_probs, even, DIRECTIONS)
    torch.testing.assert_close(weighted(layer.regional), plain(layer.regional), rtol=0.02, atol=0.02)


def test_weights_choose_the_regions_that_speak():
    layer = layer_of(4, 0.01)
    lying = layer.regional.clone()
    lying[..., 1, :] = lying.roll(1, dims=1)[..., 1, :]
    first = torch.tensor([0.5, 0.5, 0.0, 0.0]).expand(64, 4)
    region = fit_weighted(lying, layer.target_probs, first, DIRECTIONS)
    said = log_posterior(region(lying), DIRECTIONS, 1000.0).argmax(dim=-1)
    assert (said[:, :2] == layer.labels[:, None]).all()
    assert (said[:, 2:] != layer.labels[:, None]).all()
