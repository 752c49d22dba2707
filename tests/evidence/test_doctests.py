"""The examples in the docstrings of the evidence's own methods."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "drpr",
        "insertion",
        "object_measures",
        "planting",
        "projection_methods",
        "projection_quality",
        "stability",
    ],
)
def test_examples_are_what_they_say(name):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert results.attempted > 0
    assert results.failed == 0
