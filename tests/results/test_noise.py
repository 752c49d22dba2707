"""Which noise a study has measured, and what it does to differences within it and to other networks."""

from math import sqrt

import pytest
import torch

from patternscope.knowledge.intervals import Interval, within_noise
from patternscope.results.knowledge import CountDifferences, Counts, PlainCounts, SpreadResult
from patternscope.results.networks import EvidenceDifference, LayerComparison, LayerCounts
from patternscope.results.noise import (
    IMAGES,
    NOTHING_MEASURED,
    interval_lines,
    measured_noise,
    sources_of,
    with_measured_noise,
)
from patternscope.results.replicates import NetworkNumbers, NetworksResult
from patternscope.results.study import ResultsInMemory
from patternscope.workflow.stages import Unit

T_OF_ONE = 12.706205  # Student's quantile of one degree of freedom, from a table
POINT = Interval(0.5, 0.4, 0.6)


def counts(value: float) -> Counts:
    return Counts(*[Interval(value, value - 0.1, value + 0.1)] * 4)


def networks(*values: float) -> NetworksResult:
    mean, apart = sum(values) / len(values), abs(values[0] - values[-1]) / sqrt(2)
    own = tuple(NetworkNumbers(place + 1, 0.9, POINT, counts(value)) for place, value in enumerate(values))
    return NetworksResult(
        stability=torch.ones(1, 1),
        images=1,
        counts=counts(mean),
        evidence=POINT,
        readable=POINT,
        paper=counts(mean),
        classes=(),
        class_evidence=(),
        sweep=(),
        calibration_error=0.1,
        shared=None,
        on_object=None,
        spread=PlainCounts(apart, apart, apart, 0.0),
        consensus=1.0,
        chance=0.5,
        networks=own,
    )


def study(**layers: tuple[float, float]) -> ResultsInMemory:
    return ResultsInMemory({Unit("networks", 3, name): networks(*values) for name, values in layers.items()})


def test_a_study_of_one_network_without_draws_has_measured_nothing():
    noise = measured_noise(ResultsInMemory({}))
    assert noise == NOTHING_MEASURED
    assert noise.sources == (IMAGES,)
    assert noise.widen({"total": POINT}, ("a", None), ("b", None)) == {"total": POINT}


def test_a_difference_within_networks_is_taken_network_by_network():
    noise = measured_noise(study(shallow=(1.0, 5.0), deep=(2.0, 6.0)))
    assert noise.count == 2
    # The networks differ by much, and agree that the deeper layer has one more.
    found = noise.widen({"reliable": Interval(1.0, 0.9, 1.2)}, ("shallow", None), ("deep", 3))["reliable"]
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.9, 1.2))
    apart = measured_noise(study(shallow=(1.0, 5.0), deep=(2.0, 4.0)))
    found = apart.widen({"reliable": Interval(1.0, 0.9, 1.2)}, ("shallow", None), ("deep", None))["reliable"]
    assert found.value == 0
    assert found.high == pytest.approx(sqrt((T_OF_ONE * 1.0) ** 2 + 0.2**2), rel=1e-5)


def test_draws_and_networks_are_both_held_and_named():
    spread = SpreadResult(draws=(), spread=PlainCounts(0.3, 0.4, 0.0, 0.1))
    both = ResultsInMemory({**study(deep=(1.0, 2.0)).results, Unit("spread", None, "deep"): spread})
    noise = measured_noise(both)
    assert noise.draws == PlainCounts(0.3, 0.4, 0.0, pytest.approx(0.1))
    assert noise.sources == (IMAGES, "the draw of folds and neighbours", "the training (2 networks)")
    assert sources_of(noise, NOTHING_MEASURED) == noise.sources
    assert noise.of_step("total", ("deep", None), ("deep", 3)).draws == pytest.approx(0.3)


def test_a_student_differs_beyond_the_noise_only_if_another_training_would_not():
    change, layer = Interval(0.5, 0.4, 0.6), LayerCounts(counts(1.0), 1.0)
    compared = LayerComparison(
        layer="deep",
        second_layer="deep",
        maps="own",
        channel_agreement=None,
        grid=(1, 1),
        second=layer,
        first=layer,
        same_grid=True,
        difference=CountDifferences(change, change, change),
        evidence=EvidenceDifference(POINT, POINT, change),
        regions=None,
    )
    assert with_measured_noise(compared, NOTHING_MEASURED) == compared
    noise = measured_noise(study(deep=(1.0, 2.0)))
    for other in (None, NOTHING_MEASURED, noise):
        found = with_measured_noise(compared, noise, other)
        half = sqrt(0.1**2 + 2 * T_OF_ONE**2 / 2)
        assert found.difference.total.high == pytest.approx(0.5 + half, rel=1e-5)
        assert within_noise(found.difference.reliable)
        # Evidence did not differ between the networks.
        assert not within_noise(found.evidence.difference)


def test_figures_say_what_their_intervals_are_over():
    one, several = interval_lines("mean", None), interval_lines("mean", 3)
    assert "another training" in one[1]
    assert "3 networks" in several[1]
    assert "another training" not in several[1]
