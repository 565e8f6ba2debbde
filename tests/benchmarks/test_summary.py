"""What is derived from the numbers of a summary, and that nothing else gets in."""

import pytest
from pydantic import ValidationError

from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import Estimates, Summary


def test_samples_without_an_answer_are_not_robust_but_could_be(parts):
    threat = parts["threat"](robust_accuracy=estimate(20, 50), errors=5)
    assert threat.robust == 20
    assert threat.at_most == estimate(25, 50)
    assert parts["threat"](robust_accuracy=estimate(0, 0)).at_most == estimate(0, 0)


def test_counts_survive_the_share_they_are_kept_as(parts):
    for n in (3, 7, 49, 10_000):
        assert all(parts["threat"](robust_accuracy=estimate(k, n)).robust == k for k in range(0, n + 1, max(n // 50, 1)))


def test_a_summary_is_its_json(parts):
    summary = parts["summary"](threats=[parts["threat"](), parts["threat"](id="l2:1")], gates=[parts["gate"]()])
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_summary_json_holds_the_numbers_and_verdict_json_the_rest():
    assert set(Summary.model_fields) - set(Estimates.model_fields) == {"gates", "verdict", "exit_code"}


@pytest.mark.parametrize(
    "changed", [{"schema_version": 2}, {"robust": True}, {"verdict": {"outcome": "great", "sentence": ""}}]
)
def test_what_the_schema_does_not_know_is_refused(parts, changed):
    with pytest.raises(ValidationError):
        parts["summary"](**changed)
