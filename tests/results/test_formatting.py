"""Numbers and intervals as a person reads them."""

import hypothesis.strategies as st
from hypothesis import given

from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import number, percent, plus_minus, with_interval


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
