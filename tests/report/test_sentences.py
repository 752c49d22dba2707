"""Sentences say what the numbers say: each is made from records whose finding is known."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.knowledge import Interval
from patternscope.report.contents import Attack, Change, Depth, Training
from patternscope.report.formatting import BEYOND, WITHIN, compared, turned, verdict
from patternscope.report.sentences import attack, depth, faithfulness, left_out, students, training, trust

SURE, DOUBTFUL = 0.1, 9.0  # half widths of intervals


def spans(half=SURE, **numbers):
    """Numbers of a record, each with an interval."""
    found = {}
    for name, value in numbers.items():
        known = value is not None
        found |= {name: value, f"{name}_low": value - half if known else None}
        found[f"{name}_high"] = value + half if known else None
    return found


def layer(name, total, reliable, **more):
    ratio = reliable / total if total else None
    return {
        "layer": name,
        "regions": 64,
        "tau": 0.4,
        "images": 500,
        **spans(total=total, reliable=reliable, ratio=ratio),
        "on_object": None,
        "object_area": None,
        "classes": [
            {"class": "cat", **spans(reliable=reliable)},
            {"class": "dog", **spans(reliable=reliable / 2)},
        ],
        "sweep": [{"tau": tau, "reliable": reliable * (1 - tau), "ratio": ratio} for tau in (0.4, 0.6)],
        **more,
    }


def change(start, end, half=SURE, **numbers):
    return Change(start, end, {k: Interval(v, v - half, v + half) for k, v in numbers.items()})


def steps(layers, half=SURE):
    found = []
    for one, other in pairwise(layers):
        known = one["ratio"] is not None and other["ratio"] is not None
        ratio = other["ratio"] - one["ratio"] if known else None
        interval = Interval(ratio, ratio - half, ratio + half) if known else Interval(None, None, None)
        reliable = change(one["layer"], other["layer"], half, reliable=other["reliable"] - one["reliable"])
        found.append(replace(reliable, numbers={**reliable.numbers, "ratio": interval}))
    return tuple(found)


GROWING = (layer("low", 10.0, 2.0), layer("middle", 10.0, 5.0), layer("high", 10.0, 9.0))


def test_the_layer_with_the_most_reliable_points_and_its_lead():
    lead = change("middle", "high", reliable=4.0)
    said = depth.most_reliable(Depth(GROWING, (), lead))
    assert said.startswith("high has 9.00 (8.90 to 9.10) reliable knowledge points an image, of 10.00 ")
    assert (
        "the most of the 3 layers. That is 4.00 (3.90 to 4.10) more than in middle, which comes next" in said
    )
    assert said.endswith(f"{BEYOND}.")
    noisy = Depth(GROWING, (), change("middle", "high", DOUBTFUL, reliable=4.0))
    assert depth.most_reliable(noisy).endswith(f"{WITHIN}.")
    alone = depth.most_reliable(Depth(GROWING[-1:], (), None))
    assert alone.endswith("in all.")
    nothing = depth.most_reliable(Depth((layer("low", 3.0, 0.0),), (), None))
    assert nothing == "No layer has a reliable knowledge point at the threshold 0.4."


@pytest.mark.parametrize(
    ("layers", "half", "said"),
    [
        (GROWING, 0.01, "grows with depth: 0.20, 0.50, 0.90 from low to high; every step is beyond the noise."),
        (GROWING[::-1], 0.01, "falls with depth: 0.90, 0.50, 0.20 from high to low; every step is beyond"),
        (GROWING, 9, "the step from low to middle, 0.30 (−8.70 to 9.30), is within the noise and the step from middle"),
        ((GROWING[1], GROWING[0], GROWING[2]), 0.01, "does not grow at every step of depth: 0.50, 0.20, 0.90"),
        ((GROWING[1], GROWING[0], GROWING[2]), 0.01, "middle to low it is 0.30 (0.29 to 0.31) lower, beyond"),
        ((layer("none", 0.0, 0.0), layer("all", 5.0, 5.0)), 0.01, "cannot be followed with depth: –, 1.00"),
    ],
)  # fmt: skip
def test_whether_the_ratio_grows_with_depth(layers, half, said):
    found = depth.ratio_over_depth(layers, steps(layers, half))
    assert found is not None
    assert said in found


def test_one_layer_has_no_depth():
    alone = GROWING[-1:]
    assert depth.ratio_over_depth(alone, ()) is None
    assert depth.first_layer(alone) is None
    assert depth.most_at_each_threshold(alone) is None
    found = depth.depth_sentences(Depth(alone, (), None))
    assert len(found) == 2
    assert "cat have the most" in found[1]


def test_thresholds_that_change_the_finding_are_named():
    everywhere = depth.most_at_each_threshold(GROWING)
    assert everywhere == "high has the most reliable points at every threshold from 0.4 to 0.6."
    middle = {**GROWING[1], "sweep": [{"tau": 0.4, "reliable": 1.0}, {"tau": 0.6, "reliable": 9.0}]}
    said = depth.most_at_each_threshold((GROWING[0], middle, GROWING[2]))
    assert said is not None
    assert said.endswith("depends on the threshold: high at 0.4 and middle at 0.6.")
    nothing = [{**each, "sweep": [{"tau": t, "reliable": 0.0} for t in (0.4, 0.6)]} for each in GROWING]
    assert depth.most_at_each_threshold(nothing) is None


def test_grids_that_differ_are_said():
    assert depth.shares_of_regions(GROWING) is None
    said = depth.shares_of_regions((GROWING[0], {**GROWING[2], "regions": 16}))
    assert said is not None
    assert said.endswith("reliable points are 3 % of 64 in low and 56 % of 16 in high.")


def test_objects_where_there_are_masks():
    assert depth.on_object(GROWING) is None
    said = depth.on_object((*GROWING[:2], {**GROWING[2], "on_object": 0.66, "object_area": 0.22}))
    assert said is not None
    assert "66 % lie on the object, which covers 22 % of the picture: 3.0 times" in said


def make_training(lasting, numbers):
    names = [f"step {10 * place}" for place in range(len(numbers))]
    checkpoints = tuple(
        {"name": name, "held_out_accuracy": 0.5, "held_out_images": 40, "alignment_residual": None}
        for name in names
    )
    moves = tuple(
        change(names[place], names[place + 1], reliable=value - numbers[place])
        for place, value in enumerate(numbers[1:])
    )
    rows = [{"class": name, "median_checkpoint": when} for name, when in lasting.items()]
    about = {"layer": "high", "lasting": rows, "growth": spans(reliable=numbers[-1] - numbers[0])}
    return Training(checkpoints, (about,), {"high": moves})


def test_when_classes_emerged():
    found = make_training({"cat": 2, "dog": None, "bus": 1, "car": 2}, [0, 1, 5])
    said = training.when_classes_emerged(found)
    assert said.endswith("from step 10 for bus, from step 20 for cat and car; never for dog.")
    never = training.when_classes_emerged(make_training({"cat": None}, [0, 1]))
    assert never.endswith("at no checkpoint, for any class.")


def test_what_training_changed():
    found = make_training({"cat": 1}, [0.0, 1.0, 5.0, 4.0, 4.05])
    said = training.training_sentences(found)
    assert said[1].endswith(
        "at step 40, compared with step 0: 4.05 (3.95 to 4.15) more in high, beyond the noise."
    )
    assert said[2].startswith("high gains most between step 10 and step 20: 4.00 ")
    assert said[3] == (
        "Within the noise are the changes of high's reliable points from step 30 to step 40. "
        "Points were lost as well: 1.00 (0.90 to 1.10) fewer at step 30 than at step 20."
    )
    twice = replace(found, layers=(found.layers[0], {**found.layers[0], "layer": "higher"}))
    assert training.growth(twice).endswith(
        "more in high and 4.05 (3.95 to 4.15) more in higher, all beyond the noise."
    )
    quiet = training.steps_within_noise(
        "high", [change("a", "b", reliable=0.0), change("b", "c", reliable=0.0)]
    )
    assert quiet == "Between successive checkpoints no change of high's reliable points is beyond the noise."
    shrinking = make_training({"cat": 1}, [3.0, 2.0, 1.0])
    assert training.largest_step("high", shrinking.steps["high"]) is None


def adversarial(name, turn, **more):
    return {
        "layer": name,
        "tau": 0.4,
        **spans(
            orientation_change=turn,
            strength_change=0.5,
            original_points=9.0,
            target_points=8.0,
            below_tau=0.9,
        ),
        "strength_before": 1.0,
        "strength_after": 0.7,
        "importance": 0.6,
        "area": 0.3,
        "trajectories": [{"type": 1, "regions": 0}, {"type": 3, "regions": 12}],
        **more,
    }


ABOUT = {
    "norm": "linf",
    "epsilon": 8 / 255,
    "n_step": 20,
    "targeted": True,
    "target": "second",
    "succeeded": 486,
    "attacked": 491,
    "success": 486 / 491,
}


def test_what_an_attack_did():
    apart = change("low", "high", orientation_change=0.4)
    said = attack.attack_sentences(Attack(ABOUT, (adversarial("low", 0.2), adversarial("high", 0.6)), apart))
    assert said[0] == (
        "The l∞ attack, ε = 8/255 (20 steps, towards the most likely wrong class), succeeded on 486 of 491 correctly "
        "classified images (99 %)."
    )
    assert "3.0 times as far as in low" in said[1]
    assert said[1].endswith("the difference, 0.40 (0.30 to 0.50), is beyond the noise.")
    assert "went from 1.00 to 0.70" in said[2]
    assert said[-1] == "Ways of high's regions: 12 from no feature to one of the target."
    without = {"below_tau": None, "trajectories": [], "importance": None}
    alone = attack.attack_sentences(
        Attack({**ABOUT, "targeted": False}, (adversarial("low", 0.2, **without),), None)
    )
    assert "away from the true class" in alone[0]
    assert alone[1] == "Regions of low turned by 0.20 (0.10 to 0.30) (1 − cos)."
    assert len(alone) == 4


def student_row(name, more, half=SURE, **changes):
    return {
        "layer": name,
        "maps": "own",
        "ratio": 0.5,
        "first": {"ratio": 0.7},
        "difference": spans(half, total=1.0, reliable=more, ratio=0.1),
        **changes,
    }


def test_students_beside_their_teacher():
    from patternscope.figures.compared import Compared

    rows = {
        "logits": [student_row("low", -1.0), student_row("high", 2.0)],
        "features": [student_row("low", 0.05), student_row("high", -3.0, maps="teacher")],
    }
    shown = Compared("teacher", rows, {"teacher": 0.98, "logits": 0.97, "features": 0.96}, 500, 0.4)
    said = students.student_sentences(shown)
    assert said[0] == (
        "Of 4 pairs of a student and a layer, 2 have fewer reliable points than the teacher and 1 has more, "
        "beyond the noise; 1 differs within it."
    )
    assert "The student of the logits has, in high, 2.00 (1.90 to 2.10) more reliable points" in said[1]
    assert "seen through maps of its own" in said[1]
    assert "3.00 (2.90 to 3.10) fewer" in said[2]
    assert "seen through the teacher's maps" in said[2]
    assert said[3].startswith("Held-out accuracy: 0.980 (the teacher), 0.970 (the student of the logits) and")
    other = {"logits": [{"layer": "low", "maps": "own"}]}
    apart = students.student_sentences(replace(shown, others=other))
    assert "1 on other grids are not compared" in apart[0]
    assert "has another grid of regions in low" in apart[1]


@given(st.floats(-5, 5), st.floats(0, 3), st.floats(0, 3))
@settings(deadline=None)
def test_a_difference_says_the_same_in_both_directions(value, down, up):
    difference = Interval(value, value - down, value + up)
    assert turned(turned(difference)) == difference
    assert verdict(turned(difference)) == verdict(difference)
    if value:
        ends = {compared(each).split()[-1] for each in (difference, turned(difference))}
        assert ends == {"more", "fewer"}
    assert verdict(Interval(value, None, None)) == "with no interval"


def test_what_the_noise_is():
    said = trust.what_noise_means(500, 1000)
    assert "500 images (1,000 draws)" in said


def asked(name, half=SURE, left_out=None, **areas):
    orders = [
        {"order": order, **spans(half, area=area, difference=areas["p"] - area), "curve": [1.0, area, 0.1]}
        for order, area in areas.items()
    ]
    return {"layer": name, "images": 40, "replacement": "blur", "left_out": left_out or {}, "orders": orders}


def test_whether_the_network_depends_is_said_by_the_difference_from_chance():
    said = faithfulness.against_chance(asked("high", p=0.2, random=0.6))
    assert said.startswith("The network depends on the regions of high")
    assert "is 0.20, in a random order 0.60; the difference, −0.40 (−0.50 to −0.30), is " + BEYOND in said
    for layer in (asked("high", DOUBTFUL, p=0.2, random=0.6), asked("high", p=0.9, random=0.6)):
        assert "does not visibly depend" in faithfulness.against_chance(layer)


def test_each_account_is_better_worse_or_within_the_noise():
    layer = asked("high", p=0.4, strength=0.9, w=0.1, grad_cam=0.41, random=0.9, mask=0.1)
    said = faithfulness.beside(layer)
    assert said.startswith("In high the order of p is better than strength (−0.50")
    assert "and random (−0.50" in said
    assert "; worse than importance w (0.30" in said
    assert "; within the noise of Grad-CAM (−0.01" in said
    assert "mask" not in said


def test_what_was_asked_and_what_was_left_out():
    first = asked("low", p=0.3, random=0.6, left_out={"grad_cam": "no tensor"})
    said = faithfulness.faithfulness_sentences((first, asked("high", p=0.2, random=0.6)))
    assert "best in high: areas 0.30, 0.20 from low to high." in said[3]
    assert "on 40 images, whose regions go in 2 equal shares" in said[4]
    assert said[5:] == ["Left out in low: Grad-CAM: no tensor."]
    alone = faithfulness.faithfulness_sentences((first,))
    assert not any("Of these layers" in each for each in alone)


def test_images_that_are_not_there_are_said():
    assert left_out({"skipped": [], "short": {}}, 50) == []
    skipped = ["cat/1.png: truncated", "cat/2.png: empty"]
    few, short = left_out({"skipped": skipped, "short": {f"c{n}": n for n in range(9)}}, 50)
    assert few.startswith("2 pictures could not be read and are left out, first cat/1.png: truncated;")
    assert short.endswith("of c0 (0), c1 (1), c2 (2), c3 (3), c4 (4), c5 (5) and 3 more.")
    assert left_out({"skipped": skipped[:1], "short": {}}, 50)[0].startswith(
        "1 picture could not be read and is"
    )
