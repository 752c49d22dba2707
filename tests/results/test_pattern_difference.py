"""Patterns gained and lost: partners of two invented layers, what a refit keeps, and what is said of them."""

from dataclasses import replace

import pytest
import torch

from patternscope.knowledge.intervals import Interval
from patternscope.report.diff_patterns import patterns_part
from patternscope.results.difference import LayerDifference, StudyDifference
from patternscope.results.ledger import Draws
from patternscope.results.pattern_difference import pattern_difference
from patternscope.results.pattern_tests import PatternTest, PatternTestsResult
from patternscope.results.patterns import LayerPattern, PatternsResult
from patternscope.results.study import ResultsInMemory
from patternscope.workflow.stages import Unit

SHARE = Interval(0.5, 0.4, 0.6)
NOTHING = Interval(None, None, None)


class Images:
    labels, fitted_rows = torch.zeros(4, dtype=torch.int64), None


class FittedImages:
    labels, fitted_rows = Images.labels, torch.tensor([0, 2])


class Study(ResultsInMemory):
    """Results with images of which only the number counts."""

    images = Images()


def pattern(number: int, regions: int) -> LayerPattern:
    return LayerPattern(
        class_name="cat", number=number, name=None, regions=regions, images=1, share=SHARE, stability=0.9, chance=0.1,
        within=0.8, specific=SHARE, prior=0.1, refits=None, networks=None, presence=(1.0,), appears=None, stays=None,
        shared=(), background=0.0,
    )  # fmt: skip


def study(*members: list[int], refits: list[float] | None = None, grid: tuple[int, int] = (1, 4)) -> Study:
    """A layer whose patterns have these regions of 4 images, numbered through."""
    places = [torch.tensor(own) for own in members]
    sizes = torch.tensor([len(own) for own in members], dtype=torch.int64)
    every = torch.cat(places) if places else sizes
    found = PatternsResult(
        pattern=torch.arange(len(members)).repeat_interleave(sizes), sample=every // 4, region=every % 4,
        patterns=tuple(pattern(number, len(own)) for number, own in enumerate(members, start=1)),
        checkpoints=(), grid=grid, field=None, unknown_names=(),
    )  # fmt: skip
    units = {Unit("patterns", layer="deep"): found}
    if refits is not None:
        tests = tuple(PatternTest("cat", number, refit, None) for number, refit in enumerate(refits, start=1))
        units[Unit("pattern_tests", layer="deep")] = PatternTestsResult(
            tests=tests, every=None, refit_patterns=2, matched=0, omitted=None
        )
    return Study(units)


def test_patterns_are_kept_lost_and_gained():
    first = study([0, 1, 2, 3], [4, 5], [8, 9], refits=[0.9, 0.8, 0.2])
    second = study([4, 5, 6], [0, 1, 2], [12, 13])
    found = pattern_difference(first, second, "deep", Draws(50))
    assert [each.partner for each in found.first] == ["cat 2", "cat 1", None]
    assert [each.overlap for each in found.first] == pytest.approx([3 / 4, 2 / 3, 0])
    assert [each.title for each in found.gained] == ["cat 3"]
    assert (found.kept, found.refit_kept) == (2, 2)
    assert found.kept_beyond_refit.value == 0
    back = pattern_difference(second, first, "deep", Draws(50))
    assert [each.title for each in back.lost] == [each.title for each in found.gained]
    assert back.kept == found.kept
    assert back.refit_kept is back.kept_beyond_refit is None


def test_less_than_a_refit_keeps_is_said_with_its_interval():
    first, second = study(*[[n] for n in range(12)], refits=[1.0] * 12), study(*[[n] for n in range(2)])
    found = pattern_difference(first, second, "deep", Draws(200))
    assert found.kept_beyond_refit.value == pytest.approx(-10 / 12)
    assert found.kept_beyond_refit.high < 0


def test_other_grids_and_absent_patterns_are_not_compared():
    one = study([0, 1])
    assert pattern_difference(one, study([0, 1], grid=(2, 2)), "deep", Draws(5)) is None
    assert pattern_difference(one, Study({}), "deep", Draws(5)) is None
    none = pattern_difference(study(), study([3]), "deep", Draws(5))
    assert (none.kept, none.kept_beyond_refit, len(none.gained)) == (0, None, 1)


def test_patterns_of_other_parts_of_many_images_are_not_compared():
    one, other = study([0, 1]), study([0, 1])
    other.images = FittedImages()
    assert pattern_difference(one, other, "deep", Draws(5)) is None
    assert pattern_difference(other, other, "deep", Draws(5)) is not None


def difference(found) -> StudyDifference:
    layer = LayerDifference("deep", NOTHING, NOTHING, NOTHING, NOTHING, (), None, found)
    return StudyDifference("a", "b", 4, None, None, 1.0, (layer,), None, (), ())


def test_what_is_said_of_them():
    first = study([0, 1, 2, 3], [4, 5], [8, 9], refits=[0.9, 0.8, 0.7])
    part = patterns_part(difference(pattern_difference(first, study([0, 1, 2], [12, 13]), "deep", Draws(50))))
    assert part.sentences[0].startswith("deep keeps 1 of 3 patterns (a refit of the first network keeps 3: ")
    assert "2 are lost, with most of their class's evidence cat 2 (50 %) and cat 3 (50 %)" in part.sentences[0]
    assert part.sentences[0].endswith("of 2, 1 is gained, with most of their class's evidence cat 2 (50 %).")
    assert [row[2] for row in part.tables[0].rows] == ["lost", "lost", "gained"]
    same = patterns_part(difference(pattern_difference(first, first, "deep", Draws(50))))
    assert "none is lost; of 3, none is gained" in same.sentences[0]
    assert same.tables == []
    told = patterns_part(replace(difference(None), without_patterns="a without patterns"))
    assert told.sentences == ["Not compared: a without patterns."]
    assert "Not compared in deep" in patterns_part(difference(None)).sentences[0]
    nothing = patterns_part(difference(pattern_difference(study(), study(), "deep", Draws(5))))
    assert nothing.sentences[0] == "Neither has a pattern in deep."
