"""How figures are written: what is not known is a dash, never a zero."""

import pytest

from datasets.templatetags.figures import decimal, percent, rate_limit, to_percent, whole, width


@pytest.mark.parametrize("figure", [percent, decimal, whole, rate_limit])
@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_known_is_a_dash(figure, nothing):
    assert figure(nothing) == "–"


def test_shares_are_percent_that_do_not_break_over_lines():
    assert percent(0.9312) == "93.1\u00a0%"
    assert percent(1, 0) == "100\u00a0%"
    assert percent(0.0) == "0.0\u00a0%"


def test_an_interval_names_both_ends_or_nothing():
    assert to_percent(0.849, 0.8951) == "84.9–89.5\u00a0%"
    assert to_percent(None, 0.9) == ""
    assert to_percent("", "") == ""


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.5, "50\u00a0%"),
        (0.1, "10\u00a0%"),
        (0.01, "1\u00a0%"),
        (0.0023, "0.23\u00a0%"),
        (0.0001, "0.01\u00a0%"),
        (0.00001, "10⁻⁵"),
        (0.000036, "4·10⁻⁵"),
        (0.0, "0\u00a0%"),
    ],
)
def test_small_rates_stay_readable(rate, words):
    assert rate_limit(rate) == words


def test_bars_never_leave_their_track():
    assert [width(share) for share in (-0.2, 0.5, 1.7, None)] == ["0.0%", "50.0%", "100.0%", "0%"]


def test_whole_numbers_have_commas():
    assert whole(1234.4) == "1,234"
    assert decimal(0.61249) == "0.612"
