"""The examples in the docstrings of the evidence's own methods."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "faithfulness.insertion",
        "object_measures",
        "projections.drpr",
        "projections.methods",
        "projections.quality",
        "shortcut.planting",
        "uncertainty.stability",
    ],
)
def test_examples_are_what_they_say(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testmod(importlib.import_module(f"evidence.{name}"), optionflags=flags)
    assert results.attempted > 0
    assert results.failed == 0
