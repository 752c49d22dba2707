"""1,000 fits of any shapes, types, strides, values and options; `benchmarks/bench_fuzz.py` draws them for an hour."""

import pytest
from odd_fits import Case, complaint

CASES = 1000
PARTS = 8


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_fit_is_refused_in_a_line_or_finite_and_the_same_again(part):
    refusals = 0
    for seed in range(part, CASES, PARTS):
        case = Case(seed)
        found = complaint(case, thoroughly=seed // PARTS % 10 == 0)
        assert not found.wrong, f"seed {seed}, {case.kind}: {found.wrong}"
        refusals += found.refused
    # Both ends are met.
    assert 0.1 < refusals / (CASES / PARTS) < 0.6
