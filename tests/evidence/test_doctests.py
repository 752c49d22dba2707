"""The examples in the docstrings of the evidence's own methods."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "capped.removal",
        "dimensions.composed",
        "dimensions.measurement",
        "faithfulness.insertion",
        "object_measures",
        "objectives.weighted",
        "page",
        "projections.drpr",
        "projections.methods",
        "projections.quality",
        "sanity.broken_networks",
        "shortcut.planting",
        "uncertainty.stability",
        "unfamiliar.study",
    ],
)
def test_examples_are_what_they_say(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testmod(importlib.import_module(f"evidence.{name}"), optionflags=flags)
    assert results.attempted > 0
    assert results.failed == 0
