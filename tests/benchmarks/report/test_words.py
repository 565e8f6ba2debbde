"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from robustkit.benchmarks.report import words
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import Verdict


def test_shares_and_intervals():
    assert words.share(estimate(236, 500)) == "47.2\xa0%"
    assert words.interval(estimate(20, 50)) == "27.6–53.8\xa0%"
    assert words.share(estimate(0, 0)) == words.interval(estimate(0, 0)) == "—"


@pytest.mark.parametrize(
    ("duration", "text"), [(0.42, "0.42 s"), (73, "73 s"), (721, "12 min"), (11160, "3.1 h"), (119.7, "120 s")]
)
def test_seconds(duration, text):
    assert words.seconds(duration).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("number", "text"), [(0.1, "0.1"), (1780.4, "1\u202f780"), (float("nan"), "—"), (12.345, "12.3"), (999.9, "1\u202f000")]
)
def test_short(number, text):
    assert words.short(number) == text


def test_the_answer_does_not_repeat_the_word_beside_it():
    assert words.answer(Verdict(outcome="failed", sentence="Failed: too low.")) == "Too low."
    assert (
        words.answer(Verdict(outcome="untrusted", sentence="Not trustworthy at linf:0.1: noise wins."))
        == "At linf:0.1: noise wins."
    )
    assert words.answer(Verdict(outcome="measured", sentence="note: it holds.")) == "note: it holds."


def test_settings_flatten():
    assert list(words.flat({"a": {"b": 1, "c": [2, 3]}, "d": None})) == [("a.b", "1"), ("a.c", "2, 3"), ("d", "")]


def test_a_moment():
    assert words.when("2026-01-02T04:04:05+01:00") == "2026-01-02 03:04 UTC"
    assert words.when("some day") == "some day"


def test_the_interval_of_a_range_reaches_from_its_lower_to_its_upper_end(parts):
    part = parts["threat"](robust_accuracy=estimate(0, 20), errors=20)
    assert words.robust_share(part) == "0.0\xa0% to 100.0\xa0%"
    assert words.robust_interval(part) == "0.0–100.0\xa0%"
    assert words.robust_interval(parts["threat"](robust_accuracy=estimate(20, 50), errors=0)) == "27.6–53.8\xa0%"


def test_passes_are_listed_by_purpose(parts):
    assert words.spent(parts["threat"]()) == "1\u202f640 for the verdict, 840 for the control, 1\u202f200 for the curve"
