"""Every seed that a study gives its units is one that the estimators take."""

import pytest

from patternscope.embeddings.settings import ImportanceParams, RegionParams, SampleParams
from patternscope.workflow.cache_keys import unit_seed

SEEDS = [unit_seed(0, "unit", number) for number in range(200)]


@pytest.mark.parametrize("params", [ImportanceParams, RegionParams, SampleParams])
def test_estimators_take_the_seed_of_any_unit(params):
    assert max(SEEDS) > 2**62  # half of them are beyond
    for seed in (*SEEDS, 2**63 - 1):
        assert params.read({"seed": seed}).seed == seed
