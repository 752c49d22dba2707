"""Sentences say what the numbers say: each is made from results whose finding is known."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.knowledge.intervals import Interval
from patternscope.report import directions
from patternscope.report.contents import Attack, Depth, Step, Students, Training
from patternscope.report.formatting import (
    BEYOND,
    UNKNOWN,
    WITHIN,
    compared,
    difference_text,
    reversed_difference,
    series,
    verdict,
)
from patternscope.report.parts import attack, depth, faithfulness, students, training, trust
from patternscope.report.parts.trust import omitted_images
from patternscope.report.tables import faithfulness_table, layer_table, step_table, student_table
from patternscope.results.attack import AttackAnalysisResult, AttackResult, TrajectoryCount
from patternscope.results.directions import DirectionsResult, Fall
from patternscope.results.emergence import Appearance, LayerHistory
from patternscope.results.faithfulness import FaithfulnessResult, RemovalOrder
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import (
    ClassCounts,
    CountDifferences,
    Counts,
    KnowledgeResult,
    PlainCounts,
    ThresholdCounts,
)
from patternscope.results.networks import LayerComparison, LayerCounts
from patternscope.results.summary import CheckpointSummary

SURE, DOUBTFUL = 0.1, 9.0  # half widths of intervals
NOTHING = Interval(None, None, None)


def known(kind, **fields):
    """A result of which only these fields are known: asking it for another is an AttributeError."""
    result = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(result, name, value)
    return result


def changed(result, **fields):
    return known(type(result), **{**vars(result), **fields})


def span(value, half=SURE):
    return NOTHING if value is None else Interval(value, value - half, value + half)


def counts(total, reliable):
    ratio = reliable / total if total else None
    return Counts(span(total), span(reliable), span(total - reliable), span(ratio))


def layer(total, reliable, **fields):
    return known(
        KnowledgeResult,
        **{
            "mask": torch.zeros(2, 64, dtype=torch.bool),
            "tau": 0.4,
            "images": 500,
            "counts": counts(total, reliable),
            "on_object": None,
            "object_area": None,
            "classes": (ClassCounts("cat", counts(total, reliable)), ClassCounts("dog", counts(total, reliable / 2))),
            "sweep": tuple(ThresholdCounts(tau, counts(total, reliable * (1 - tau))) for tau in (0.4, 0.6)),
            **fields,
        },
    )


def step(start, end, half=SURE, reliable=0.0, ratio=None):
    return Step(start, end, CountDifferences(span(0.0, half), span(reliable, half), span(ratio, half)))


def steps(layers, half=SURE):
    found = []
    for (one, before), (other, after) in pairwise(layers.items()):
        ratios = before.counts.ratio.value, after.counts.ratio.value
        ratio = None if None in ratios else ratios[1] - ratios[0]
        more = after.counts.reliable.value - before.counts.reliable.value
        found.append(step(one, other, half, more, ratio))
    return tuple(found)


GROWING = {"low": layer(10.0, 2.0), "middle": layer(10.0, 5.0), "high": layer(10.0, 9.0)}


def chosen(*names):
    return {name: GROWING[name] for name in names}


def swept(*reliable):
    return tuple(ThresholdCounts(tau, counts(9.0, each)) for tau, each in zip((0.4, 0.6), reliable, strict=True))


def test_the_layer_with_the_most_reliable_points_and_its_lead():
    lead = step("middle", "high", reliable=4.0)
    said = depth.most_reliable(Depth(GROWING, (), lead))
    assert said.startswith("high has 9.00 (8.90–9.10) reliable knowledge points per image, out of 10.00 (9.90–10.10) ")
    assert "the most of the 3 layers. That is 4.00 (3.90–4.10) more than in middle, the second best" in said
    assert said.endswith(f"is {BEYOND}.")
    noisy = Depth(GROWING, (), step("middle", "high", DOUBTFUL, reliable=4.0))
    assert depth.most_reliable(noisy).endswith(f"{WITHIN}.")
    alone = depth.most_reliable(Depth(chosen("high"), (), None))
    assert alone.endswith("out of 10.00 (9.90–10.10) knowledge points.")
    nothing = depth.most_reliable(Depth({"low": layer(3.0, 0.0)}, (), None))
    assert nothing == "No layer has a reliable knowledge point at the threshold 0.4."


def test_of_equal_layers_the_deeper_is_the_best():
    equal = {"low": layer(9.0, 5.0), "middle": layer(9.0, 5.0), "high": layer(9.0, 1.0)}
    assert Depth(equal, (), None).best[0] == "middle"


@pytest.mark.parametrize(
    ("layers", "half", "said"),
    [
        (GROWING, 0.01, "increases with depth: 0.20, 0.50, 0.90 from low to high; every step is beyond the noise."),
        (chosen("high", "middle", "low"), 0.01, "decreases with depth: 0.90, 0.50, 0.20 from high to low; every step"),
        (GROWING, 9, "the steps from low to middle, 0.30 (−8.70 to 9.30), and from middle to high, 0.40"),
        (GROWING, 9, ", are within the noise."),
        (chosen("low", "middle"), 9, "the step from low to middle, 0.30 (−8.70 to 9.30), is within the noise."),
        (chosen("middle", "low", "high"), 0.01, "does not increase at every step: 0.50, 0.20, 0.90"),
        (chosen("middle", "low", "high"), 0.01, "middle to low it is 0.30 (0.29–0.31) lower, beyond"),
        ({"none": layer(0.0, 0.0), "all": layer(5.0, 5.0)}, 0.01, "cannot be compared between layers: –, 1.00"),
    ],
)  # fmt: skip
def test_whether_the_ratio_increases_with_depth(layers, half, said):
    found = depth.ratio_over_depth(layers, steps(layers, half))
    assert found is not None
    assert said in found


def test_one_layer_has_no_depth():
    alone = Depth(chosen("high"), (), None)
    assert depth.ratio_over_depth(alone.layers, ()) is None
    assert depth.first_layer(alone.layers) is None
    assert depth.best_at_each_threshold(alone) is None
    found = depth.depth_sentences(alone)
    assert len(found) == 2
    assert "cat has the most" in found[1]
    assert step_table(alone) is None


def test_thresholds_that_change_the_finding_are_named():
    everywhere = depth.best_at_each_threshold(Depth(GROWING, (), None))
    assert everywhere == "high has the most reliable points at every threshold from 0.4 to 0.6."
    middle = changed(GROWING["middle"], sweep=swept(1.0, 9.0))
    said = depth.best_at_each_threshold(Depth({**GROWING, "middle": middle}, (), None))
    assert said is not None
    assert said.endswith("depends on the threshold: high at 0.4 and middle at 0.6.")
    nothing = {name: changed(own, sweep=swept(0.0, 0.0)) for name, own in GROWING.items()}
    assert depth.best_at_each_threshold(Depth(nothing, (), None)) is None


def test_grids_that_differ_are_said():
    assert depth.shares_of_regions(GROWING) is None
    high = changed(GROWING["high"], mask=torch.zeros(2, 16, dtype=torch.bool))
    said = depth.shares_of_regions({"low": GROWING["low"], "high": high})
    assert said is not None
    assert said.endswith("reliable points are 3 % of the 64 regions of low and 56 % of the 16 regions of high.")


def test_objects_where_there_are_masks():
    assert depth.on_object(Depth(GROWING, (), None)) is None
    masked = Depth({**GROWING, "high": changed(GROWING["high"], on_object=0.66, object_area=0.22)}, (), None)
    said = depth.on_object(masked)
    assert said is not None
    assert "66 % of the reliable points of high are on the object, which covers 22 % of the image: 3.0 times" in said
    assert layer_table(masked).rows[-1][-2:] == ["0.66", "0.22"]


def appearance(name, when):
    return Appearance(name, 10, 1.0, when, None, None)


def history(name, grown, lasting=()):
    growth = CountDifferences(span(0.0), span(grown), NOTHING)
    return LayerHistory(name, None, growth, (), (), (), tuple(lasting))


def make_training(lasting, numbers):
    names = [f"step {10 * place}" for place in range(len(numbers))]
    checkpoints = tuple(
        CheckpointSummary(place, name, None, 0.5, 40, 1.0, None, None, None, None) for place, name in enumerate(names)
    )
    moves = tuple(
        step(*ends, reliable=after - before)
        for ends, (before, after) in zip(pairwise(names), pairwise(numbers), strict=True)
    )
    rows = [appearance(name, when) for name, when in lasting.items()]
    return Training(checkpoints, (history("high", numbers[-1] - numbers[0], rows),), {"high": moves})


def test_when_classes_emerged():
    found = make_training({"cat": 2, "dog": None, "bus": 1, "car": 2}, [0, 1, 5])
    said = training.when_classes_emerged(found)
    assert said.endswith("from step 10 on (bus) and from step 20 on (cat and car); never for dog.")
    never = training.when_classes_emerged(make_training({"cat": None}, [0, 1]))
    assert never == "In high, no class has a lasting reliable point on half of its images."


def test_what_training_changed():
    found = make_training({"cat": 1}, [0.0, 1.0, 5.0, 4.0, 4.05])
    said = training.training_sentences(found)
    assert said[1].endswith("at step 40, compared with step 0: 4.05 (3.95–4.15) more in high, beyond the noise.")
    assert said[2].startswith("high gains most between step 10 and step 20: 4.00 ")
    assert said[3] == (
        "The changes of high's reliable points from step 30 to step 40 are within the noise. "
        "Points were also lost: 1.00 (0.90–1.10) fewer at step 30 than at step 20."
    )
    assert said[4] == "The held-out accuracy went from 0.50 at step 0 to 0.50 at step 40, on 40 images."
    twice = replace(found, layers=(found.layers[0], replace(found.layers[0], layer="higher")))
    assert training.growth(twice).endswith("more in high and 4.05 (3.95–4.15) more in higher, all beyond the noise.")
    quiet = training.steps_within_noise("high", [step("a", "b"), step("b", "c")])
    assert quiet == "No change of high's reliable points between successive checkpoints is beyond the noise."
    shrinking = make_training({"cat": 1}, [3.0, 2.0, 1.0])
    assert training.largest_step("high", shrinking.steps["high"]) is None


def analysis(turn, **fields):
    return known(
        AttackAnalysisResult,
        **{
            "tau": 0.4,
            "orientation_change": span(turn),
            "strength_change": span(0.5),
            "original_points": span(9.0),
            "target_points": span(8.0),
            "below_tau": span(0.9),
            "strength_before": 1.0,
            "strength_after": 0.7,
            "importance": span(0.6),
            "area": span(0.3),
            "trajectories": (TrajectoryCount(1, "", 0), TrajectoryCount(3, "", 12)),
            **fields,
        },
    )


ABOUT = {
    "norm": "linf",
    "epsilon": 8 / 255,
    "n_step": 20,
    "targeted": True,
    "target": "second",
    "succeeded_count": 486,
    "attacked_count": 491,
    "success_share": 486 / 491,
}


def test_what_an_attack_did():
    layers = {"low": analysis(0.2), "high": analysis(0.6)}
    said = attack.attack_sentences(Attack(known(AttackResult, **ABOUT), layers, span(0.4)))
    assert said[0] == (
        "The l∞ attack, ε = 8/255 (20 steps, towards the most likely wrong class), succeeded on 486 of 491 correctly "
        "classified images (99 %)."
    )
    assert "3.0 times as much as in low" in said[1]
    assert said[1].endswith("the difference, 0.40 (0.30–0.50), is beyond the noise.")
    assert "went from 1.00 to 0.70" in said[2]
    assert said[-1] == "Trajectories of the regions of high: 12 from no feature to one of the target."
    without = {"below_tau": NOTHING, "trajectories": (), "importance": NOTHING}
    untargeted = known(AttackResult, **{**ABOUT, "targeted": False})
    alone = attack.attack_sentences(Attack(untargeted, {"low": analysis(0.2, **without)}, None))
    assert "(20 steps, untargeted)" in alone[0]
    assert alone[1] == "Regions of low turned by 1 − cos = 0.20 (0.10–0.30)."
    assert len(alone) == 4


def compared_layer(name, more, maps="own"):
    difference = None if more is None else CountDifferences(span(1.0), span(more), span(0.1))
    second, first = LayerCounts(counts(10.0, 5.0), 1.0), LayerCounts(counts(10.0, 7.0), 1.0)
    return LayerComparison(name, name, maps, None, (2, 2), second, first, more is not None, difference, None, None)


def test_students_beside_their_teacher():
    layers = {
        "logits": (compared_layer("low", -1.0), compared_layer("high", 2.0)),
        "features": (compared_layer("low", 0.05), compared_layer("high", -3.0, maps="first")),
    }
    taught = Students(0.98, {"logits": 0.97, "features": 0.96}, layers)
    said = students.student_sentences(taught)
    assert said[0] == (
        "Of 4 pairs of a student and a layer, 2 have fewer reliable points than the teacher and 1 has more, "
        "beyond the noise; 1 is within it."
    )
    assert "In high, the logits student has 2.00 (1.90–2.10) more reliable points" in said[1]
    assert "(with its own maps; its ratio is 0.50, the teacher's 0.70)" in said[1]
    assert "3.00 (2.90–3.10) fewer" in said[2]
    assert "with the teacher's maps" in said[2]
    assert said[3].startswith("Held-out accuracy: 0.980 (the teacher), 0.970 (the logits student) and")
    rows = [[row[0], row[1], *row[5:]] for row in student_table(taught).rows]
    assert rows[:2] == [["low", "teacher", "", "", "own"], ["low", "logits", "−1.00 (−1.10 to −0.90)", BEYOND, "own"]]
    assert rows[-1] == ["high", "features", "−3.00 (−3.10 to −2.90)", BEYOND, "teacher's"]
    apart = replace(taught, layers={"logits": (compared_layer("low", None),)})
    said = students.student_sentences(apart)
    assert "1 with other grids are not compared" in said[0]
    assert "has another grid of regions in low" in said[1]
    assert student_table(apart).rows[-1][5:7] == ["", ""]


@given(st.floats(-5, 5), st.floats(0, 3), st.floats(0, 3))
def test_a_difference_says_the_same_in_both_directions(value, down, up):
    difference = Interval(value, value - down, value + up)
    assert reversed_difference(reversed_difference(difference)) == difference
    assert verdict(reversed_difference(difference)) == verdict(difference)
    if value:
        ends = {compared(each).split()[-1] for each in (difference, reversed_difference(difference))}
        assert ends == {"more", "fewer"}
    assert verdict(Interval(value, None, None)) == UNKNOWN == "without an interval"


def shown_ends(text):
    """The ends of an interval as a reader sees them."""
    low, high = re.search(r"\((−?[\d.]+)(?: to |–)(−?[\d.]+)\)", text).groups()
    return float(low.replace("−", "-")), float(high.replace("−", "-"))


@given(st.floats(-3, 3), st.one_of(st.floats(0, 3), st.floats(0, 1e-3)), st.floats(0, 3), st.integers(0, 12))
def test_a_verdict_is_what_the_shown_interval_says(value, down, up, places):
    value *= 10.0**-places
    difference = Interval(value, value - down, value + up)
    low, high = shown_ends(difference_text(difference))
    assert (verdict(difference) == WITHIN) == (low <= 0 <= high)
    low, high = shown_ends(compared(difference))
    assert (verdict(difference) == WITHIN) == (low <= 0 <= high)


def test_an_end_that_rounds_to_zero_gets_more_digits():
    assert difference_text(Interval(-0.01, -0.03, -0.0004)) == "−0.0100 (−0.0300 to −0.0004)"
    assert difference_text(Interval(-0.01, -0.03, 0.0004)) == "−0.01 (−0.03 to 0.00)"
    nearly = Interval(-0.01, -0.03, -1e-9)
    assert (difference_text(nearly), verdict(nearly)) == ("−0.01 (−0.03 to 0.00)", WITHIN)
    assert "0.0100 (0.0004–0.0300) lower, beyond" in depth.ratio_over_depth(
        chosen("high", "low"),
        [Step("high", "low", CountDifferences(NOTHING, NOTHING, Interval(0.2, 0.1, 0.3))),
         Step("low", "low", CountDifferences(NOTHING, NOTHING, Interval(-0.01, -0.03, -0.0004)))],
    )  # fmt: skip
    test = deletion(p=0.2, random=0.21)
    test.orders[1] = replace(test.orders[1], difference=Interval(-0.01, -0.03, -0.0004))
    assert faithfulness_table({"high": test}).rows[1][-2:] == ["−0.0100 (−0.0300 to −0.0004)", BEYOND]
    assert "−0.0100 (−0.0300 to −0.0004), is beyond" in faithfulness.against_random("high", test)


def test_values_that_differ_are_told_apart():
    assert series([0.5, 0.5, None, 0.501]) == "0.500, 0.500, –, 0.501"
    assert series([0.5, 0.5 + 1e-12]) == "0.500000, 0.500000"


def test_what_the_noise_is():
    said = trust.meaning_of_noise(500, 1000)
    assert "500 images (1,000 resamples)" in said
    assert "a section [spread] in the settings measures it" in trust.other_draws(None)
    measured = trust.other_draws(PlainCounts(0.93, 0.61, None))
    assert "deviations of 0.93 (all points) and 0.61 (reliable points);" in measured


def deletion(half=SURE, omitted=None, **areas):
    orders = [RemovalOrder(order, span(area, half), span(areas["p"] - area, half), []) for order, area in areas.items()]
    return known(
        FaithfulnessResult, images=40, replacement="blur", omitted=omitted or {}, shares=[0.0, 0.5, 1.0], orders=orders
    )


def test_whether_the_network_depends_is_said_by_the_difference_from_chance():
    said = faithfulness.against_random("high", deletion(p=0.2, random=0.6))
    assert said.startswith("The network depends on the regions of high")
    assert (
        "has an area of 0.20, that of a random order 0.60; the difference, −0.40 (−0.50 to −0.30), is " + BEYOND in said
    )
    for other in (deletion(DOUBTFUL, p=0.2, random=0.6), deletion(p=0.9, random=0.6)):
        assert "does not visibly depend" in faithfulness.against_random("high", other)


def test_each_order_is_better_worse_or_within_the_noise():
    test = deletion(p=0.4, strength=0.9, w=0.1, grad_cam=0.41, random=0.9, mask=0.1)
    said = faithfulness.against_others("high", test)
    assert said.startswith("In high, p orders the regions better than strength by 0.50 (0.40–0.60)")
    assert "and random by 0.50" in said
    assert ", and worse than importance w by 0.30" in said
    assert said.endswith("; the difference from Grad-CAM, −0.01 (−0.11 to 0.09), is within the noise.")
    assert "mask" not in said
    noisy = faithfulness.against_others("high", deletion(DOUBTFUL, p=0.4, w=0.1, random=0.9))
    assert noisy == (
        "In high, the differences from importance w, 0.30 (−8.70 to 9.30), and from random, −0.50 (−9.50 to 8.50), "
        "are within the noise."
    )


def test_what_was_measured_and_what_was_omitted():
    first = deletion(p=0.3, random=0.6, omitted={"grad_cam": "no tensor"})
    said = faithfulness.faithfulness_sentences({"low": first, "high": deletion(p=0.2, random=0.6)})
    assert "the regions of high best: areas 0.30, 0.20 from low to high." in said[3]
    assert "on 40 images, whose regions are removed in 2 equal shares" in said[4]
    assert said[5:] == ["Omitted in low: Grad-CAM: no tensor."]
    alone = faithfulness.faithfulness_sentences({"low": first})
    assert not any("Of these layers" in each for each in alone)


def images(skipped=(), **short):
    return known(ImagesResult, skipped=tuple(skipped), short=short)


def test_images_that_are_missing_are_said():
    assert omitted_images(images(), 50) == []
    skipped = ["cat/1.png: truncated", "cat/2.png: empty"]
    few, short = omitted_images(images(skipped, **{f"c{n}": n for n in range(9)}), 50)
    assert few.startswith("2 image files could not be read and are omitted, first cat/1.png: truncated;")
    assert short.endswith("50 per class asked for: c0 (0), c1 (1), c2 (2), c3 (3), c4 (4), c5 (5) and 3 more.")
    suffixes = omitted_images(images(("cat/a.HEIC: b", "cat/b.heic: c", "cat/c: d")), 50)[0]
    assert suffixes.startswith(
        "3 image files could not be read and are omitted (2 .heic, 1 no suffix), first cat/a.HEIC"
    )
    assert omitted_images(images(skipped[:1]), 50)[0].startswith("1 image file could not be read and is")
    assert omitted_images(images(cat=12, dog=3), 50) == [
        "Fewer held-out images exist than the 50 per class asked for: cat (12) and dog (3)."
    ]


def fall(of, above, own=0.4):
    low, high = (above - 0.1, above + 0.1)
    return Fall(of, 10, Interval(own, 0.3, 0.5), Interval(0.0, -0.1, 0.1), Interval(own - above, -0.1, 0.5),
                Interval(above, low, high))  # fmt: skip


def removed(*above):
    every, *classes = above
    named = tuple(fall(f"class {place}", gap) for place, gap in enumerate(classes))
    return DirectionsResult(
        samples=torch.arange(10), before=torch.full((10,), 0.9), own=torch.zeros(10), other=torch.zeros(10),
        random=torch.zeros(10, 4), removed=0.25, all_images=fall(None, every), classes=named,
    )  # fmt: skip


def test_what_is_readable_is_said_to_be_used_or_not():
    used, unused, of_all, of_none = (
        directions.layer_sentence("conv", removed(*above))
        for above in ((0.4, 0.4, 0.0), (0.0, 0.4), (0.4, 0.4), (0.4, 0.0))
    )
    assert used.startswith("The network uses what the map reads as the class in conv: without it the probability of")
    assert "0.90 falls by 0.400 (0.300–0.500), by 0.000 (−0.100 to 0.500) where random directions" in used
    assert used.endswith("the difference is beyond the noise; class by class, this holds for class 0.")
    assert unused.startswith("What the map reads as the class in conv is not visibly used")
    assert unused.endswith("the difference, 0.000 (−0.100 to 0.100), is within the noise.")
    assert of_all.endswith("class by class, this holds for each.")
    assert of_none.endswith("class by class, it is within the noise for each.")
    table = directions.direction_table({"conv": removed(0.4, 0.4, 0.0)})
    assert [row[-1] for row in table.rows] == ["yes", "yes", "not visibly"]
    assert "25 % in conv" in directions.how_it_was_removed({"conv": removed(0.4)})
    # More with random directions than with its own is no use of it.
    assert not directions.is_used(fall(None, -0.4))
