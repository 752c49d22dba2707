"""One file of a finished study is not what was written: every reader says so in a line, or does not depend on it.

Each damage meets two readers in turn. `benchmarks/bench_damage.py` shows 200 damages to all of them.
"""

from dataclasses import fields

import pytest
from every_reader import READERS, Damages

from patternscope.api.study import open_study
from patternscope.errors import InputError
from patternscope.results.features import FeaturesResult
from patternscope.results.result import Result
from patternscope.results.study import result_kinds


@pytest.fixture(scope="module")
def damages(whole_study, tmp_path_factory) -> Damages:
    return Damages(whole_study, tmp_path_factory.mktemp("damaged") / "room")


@pytest.mark.parametrize("seed", range(20))
def test_no_reader_believes_a_damaged_file(damages, seed):
    for reader in (READERS[seed % len(READERS)], READERS[(seed // 2 + 3) % len(READERS)]):
        attempt = damages.attempt(reader, seed)
        assert attempt.verdict != "missed", attempt


def test_the_files_of_a_layer_that_are_gone_are_not_a_layer_less(study):
    features = open_study(study).results.load(FeaturesResult)
    assert features.regional.layers == ["1"]
    next((study / "features/01/1").iterdir()).unlink()
    with pytest.raises(InputError, match=r"features/01/1/regional-00000.safetensors is missing; `patternscope run "):
        open_study(study).results.load(FeaturesResult).regional  # noqa: B018 - reads


def test_the_fields_of_a_result_are_what_is_compared():
    assert all(issubclass(kind, Result) and fields(kind) for kind in result_kinds())
