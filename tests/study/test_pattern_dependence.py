"""Patterns without which the network is asked: known answers of a linear network, and what is said of them."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.pattern_removal import Removals, choose_removals
from patternscope.networks import Normalised
from patternscope.report.pattern_tests import pattern_test_sentences, pattern_test_table
from patternscope.results.ledger import Draws
from patternscope.results.pattern_tests import Dependence, PatternTest, PatternTestsResult
from patternscope.study.pattern_dependence import AskedLayer, Falls, mean_of_images


def linear_network(weights: torch.Tensor) -> Normalised:
    """Logits are the mean over regions of a linear function of the pixels."""
    convolution = nn.Conv2d(3, 2, 1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(weights[:, :, None, None])
    layers = nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Normalised(layers, mean=0.0, std=1.0).eval()


def test_falls_are_those_of_features_with_the_mean_of_their_place():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 3, 4, 4), generator=generator, dtype=torch.uint8)
    weights, labels = torch.randn(2, 3, generator=generator) * 4, torch.tensor([0, 1, 0, 1, 1])
    asked = AskedLayer(linear_network(weights), images, labels, "0", (2, 2))
    reliable = torch.tensor([[True, True, False, True]]).expand(5, 4)
    removals = choose_removals(
        reliable & torch.tensor([True, False, False, False]), reliable, torch.arange(5), generator
    )
    falls = asked.without(removals)
    features = torch.einsum("ck,nkhw->nchw", weights.double(), images.double() / 255)
    mean = features.mean(dim=0)
    before = torch.softmax(features.mean(dim=(2, 3)), dim=1)
    for column, mask in enumerate((removals.own, removals.others, removals.rest)):
        for image in range(5):
            changed = features[image].clone()
            for region in torch.nonzero(mask[image]).flatten().tolist():
                rows, columns = (slice(2 * at, 2 * at + 2) for at in divmod(region, 2))
                changed[:, rows, columns] = mean[:, rows, columns]
            after = torch.softmax(changed.mean(dim=(1, 2)), dim=0)
            expected = float(before[image, labels[image]] - after[labels[image]])
            assert float(falls.falls[image, column]) == pytest.approx(expected, abs=1e-5)


def test_a_layer_that_cannot_be_changed_is_named():
    images, labels = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1])
    with pytest.raises(InputError):
        AskedLayer(linear_network(torch.ones(2, 3)), images, labels, "9", (2, 2))


def test_patterns_of_one_image_are_averaged_first():
    no = torch.zeros(0, 1).bool()
    assert Removals(torch.arange(0), no, no, no).counts.tolist() == []
    first = Falls(torch.tensor([1, 4]), torch.tensor([2, 4]), torch.tensor([0.5, 0.9]), torch.ones(2, 3))
    second = Falls(torch.tensor([4]), torch.tensor([2]), torch.tensor([0.9]), torch.zeros(1, 3))
    found = mean_of_images([first, second], 6)
    assert found.samples.tolist() == [1, 4]
    assert found.counts.tolist() == [2, 3]
    assert found.falls[:, 0].tolist() == [1.0, 0.5]
    every = found.dependence(Draws(10))
    assert (every.images, every.regions, every.own.value) == (2, 2.5, 0.75)


def dependence(own: float, others: float, rest: float) -> Dependence:
    def about(value: float) -> Interval:
        return Interval(value, value - 0.1, value + 0.1)

    return Dependence(9, 3.0, 0.9, *map(about, (own, others, rest, own - others, own - rest)))


def test_what_is_said_of_patterns_that_are_used_and_of_those_that_are_not():
    tests = (
        PatternTest("cat", 1, 0.9, dependence(0.4, 0.0, 0.0)),
        PatternTest("cat", 2, 0.2, dependence(0.2, 0.2, 0.0)),
        PatternTest("dog", 1, 0.6, None),
    )
    found = PatternTestsResult(tests=tests, every=dependence(0.3, 0.1, 0.0), refit_patterns=4, matched=2, omitted=None)
    titles = {"deep": ["ears", "cat 2", "dog 1"]}
    first, how, refit = pattern_test_sentences({"deep": found}, titles)
    assert "falls by 0.300 (0.200–0.400)" in first
    assert "the network depends on patterns, more than on other reliable regions" in first
    assert "for 2 of 2 it falls more than without unreliable regions, for 1 more" in first
    assert first.endswith("most for ears, by 0.400 (0.300–0.500) against 0.000 (−0.100 to 0.100).")
    assert "1 in 40" in how
    assert "2 of 3 in deep" in refit
    assert pattern_test_table({"deep": found}).rows[0][-3:] == ["2", "1", "2"]
    unused = found.with_values(every=dependence(0.05, 0.0, 0.0), tests=tests[2:], omitted="no grid")
    assert pattern_test_sentences({"deep": unused}, titles)[0] == "deep was not tested without its patterns: no grid."
    asked = unused.with_values(omitted=None)
    assert "depends on patterns is not visible" in pattern_test_sentences({"deep": asked}, {"deep": ["dog 1"]})[0]
    assert pattern_test_table({"deep": asked.with_values(every=None)}).rows[0][3] == "–"
