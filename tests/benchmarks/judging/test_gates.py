"""Gates, and which code wins when several hold."""

from pathlib import Path

import pytest

from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.judging.gates import judge, min_robust
from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import Flag, Summary, ThreatPart
from robustkit.errors import ExitCode


def threat(robust: int, n: int) -> ThreatPart:
    return ThreatPart(id="linf:0.1", kind="norm", robust_accuracy=estimate(robust, n), attacks=[], trusted=True)


@pytest.mark.parametrize(("robust", "outcome"), [(900, "passed"), (100, "failed"), (500, "inconclusive")])
def test_a_gate_is_sure_or_says_so(robust: int, outcome: str) -> None:
    gate = min_robust(threat(robust, 1000), 0.5)
    assert gate.outcome == outcome
    assert "50.0 %" in gate.sentence


@pytest.fixture
def summary(linear_model, linear_data, tmp_path: Path) -> Summary:
    run = audit(linear_model, linear_data, threats=["linf:0.1"], attacks=["pgd:steps=5"], out=tmp_path / "run")
    return run.report


def test_a_failure_stands_on_weak_evidence_and_a_pass_does_not(summary: Summary) -> None:
    weak = summary.threats[0].model_copy(update={"trusted": False, "flags": [Flag(id="f", weakens=True, sentence="Weak.")]})
    doubted = summary.model_copy(update={"threats": [weak]})
    assert judge(doubted, 0.99).exit_code == ExitCode.GATE_FAILED
    assert judge(doubted, 0.01).exit_code == ExitCode.UNTRUSTED
    assert judge(summary, 0.01).exit_code == ExitCode.PASSED
    assert judge(summary, None).verdict.outcome == "measured"


def test_a_crash_beats_a_pass_but_not_a_failure(summary: Summary) -> None:
    part = summary.threats[0]
    broken = part.attacks[0].model_copy(update={"status": "crashed", "message": "boom"})
    crashed = summary.model_copy(update={"threats": [part.model_copy(update={"attacks": [broken]})]})
    assert judge(crashed, 0.01).exit_code == ExitCode.INCOMPLETE
    assert "boom" in judge(crashed, 0.01).verdict.sentence
    assert judge(crashed, 0.99).exit_code == ExitCode.GATE_FAILED


def test_order_of_codes() -> None:
    assert ExitCode.worst([ExitCode.UNTRUSTED, ExitCode.INCONCLUSIVE]) == ExitCode.UNTRUSTED
    assert ExitCode.worst([ExitCode.GATE_FAILED, ExitCode.UNSAFE_FILE, ExitCode.USAGE]) == ExitCode.UNSAFE_FILE
    assert ExitCode.worst([]) == ExitCode.PASSED


def test_only_verified_hits_fail_a_gate() -> None:
    broken = threat(0, 1000).model_copy(update={"errors": 900})
    gate = min_robust(broken, 0.5)
    assert (gate.outcome, gate.low) == ("inconclusive", 0.0)
    assert "between 0.0 % and 90.0 %" in gate.sentence
    assert min_robust(threat(0, 1000).model_copy(update={"errors": 100}), 0.5).outcome == "failed"
    assert min_robust(threat(900, 1000).model_copy(update={"errors": 100}), 0.5).outcome == "passed"


def test_a_run_without_threats_or_attacked_samples_evaluated_nothing(summary: Summary) -> None:
    assert judge(summary.model_copy(update={"threats": []}), 0.5).exit_code == ExitCode.NOTHING_EVALUATED
    part = summary.threats[0]
    idle = part.model_copy(update={"attacks": [part.attacks[0].model_copy(update={"evaluated": 0})]})
    assert judge(summary.model_copy(update={"threats": [idle]}), 0.01).exit_code == ExitCode.NOTHING_EVALUATED


@pytest.mark.parametrize("attacks", [["noise"], ["noise", "noise:kind=gaussian"]])
def test_controls_alone_pass_no_gate(linear_model, linear_data, tmp_path: Path, attacks: list[str]) -> None:
    run = audit(linear_model, linear_data, threats=["linf:0.1"], attacks=attacks, min_robust=0.1, out=tmp_path / "run")
    assert run.exit_code == ExitCode.UNTRUSTED
    assert {attack.role for attack in run.report.threats[0].attacks} == {"control"}
    assert "only-controls" in [flag.id for flag in run.report.threats[0].flags]
