"""What is no number is refused by name, and never left out without a word; inputs stay as they were."""

import pytest
import torch

from patternscope.errors import InputError
from patternscope.knowledge import (
    calibrate,
    calibrate_by_strength,
    class_probability,
    evidence,
    find_knowledge_points,
    probe_evidence,
)

N, REGIONS, CLASSES, WIDTH = 6, 4, 3, 2
LABELS, FOLD = torch.arange(N) % CLASSES, torch.arange(N) // CLASSES
DIRECTIONS = torch.nn.functional.normalize(
    torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(0)), dim=1
)
CALLS = {
    "find_knowledge_points": lambda told, x: find_knowledge_points(x, DIRECTIONS, LABELS),
    "calibrate": lambda told, x: calibrate(told, LABELS),
    "calibrate_by_strength": lambda told, x: calibrate_by_strength(told, x.norm(dim=-1), LABELS, FOLD),
    "evidence": lambda told, x: evidence(told, LABELS, resamples=10),
    "probe_evidence": lambda told, x: probe_evidence(x.movedim(1, 2)[..., None], LABELS, resamples=10),
}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_is_refused_by_name(name, bad):
    if name == "probe_evidence":
        pytest.importorskip("sklearn", reason="needs scikit-learn")
    rng = torch.Generator().manual_seed(1)
    told = torch.randn(N, REGIONS, CLASSES, generator=rng).log_softmax(dim=-1)
    x = torch.randn(N, REGIONS, WIDTH, generator=rng)
    CALLS[name](told, x)
    x[2, 1, 0], told[2, 1, 0] = bad, float("nan")
    before = told.clone(), x.clone()
    with pytest.raises(
        InputError, match=r"^(region_embedding|regional_features|log_posterior|strength)\b.*(NaN|finite)"
    ):
        CALLS[name](told, x)
    torch.testing.assert_close((told, x), before, rtol=0, atol=0, equal_nan=True)


def test_a_probability_without_a_number_is_none():
    x = torch.ones(N, REGIONS, WIDTH)
    x[2, 1, 0] = float("nan")
    found = class_probability(x, DIRECTIONS, LABELS)
    assert found.isnan().nonzero().tolist() == [[2, 1]]
