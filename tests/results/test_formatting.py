"""Numbers and intervals as a person reads them."""

import re
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given

import patternscope
from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import number, percent, plus_minus, threshold_text, with_interval


def test_known_answers():
    assert with_interval(Interval(9.8, 9.4, 10.3), 1) == "9.8 (9.4–10.3)"
    assert with_interval(Interval(-0.25, -0.4, -0.1)) == "−0.25 (−0.40 to −0.10)"
    assert with_interval(Interval(None, None, None)) == "–"
    assert with_interval(Interval(1.0, None, None)) == "1.00"
    assert plus_minus(Interval(9.8, 9.4, 10.4), 1) == "9.8 ±0.5"
    assert plus_minus(Interval(0.001, -0.1, 0.1), signed=True) == "0.00 ±0.10"
    assert plus_minus(Interval(-0.5, -0.6, -0.4), signed=True) == "−0.50 ±0.10"
    assert (percent(0.125), percent(None)) == ("12 %", "–")


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_number_is_the_rounded_value_and_zero_has_no_sign(value, digits):
    text = number(value, digits)
    assert float(text.replace("−", "-")) == float(f"{value:.{digits}f}")
    assert (text[0] == "−") == (float(f"{value:.{digits}f}") < 0)


def test_thresholds_have_at_most_three_digits_wherever_they_are_written():
    assert [threshold_text(tau) for tau in (11 / 27, 0.4, 0.7)] == ["0.407", "0.4", "0.7"]
    root = Path(patternscope.__file__).parent
    for path in (file for part in ("figures", "report", "cli", "atlas", "api") for file in (root / part).rglob("*.py")):
        assert not re.search(r"\{[\w.\[\]]*\.tau(:[^}]*)?\}", path.read_text(encoding="utf-8")), path
