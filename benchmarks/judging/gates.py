"""Gates and the verdict, computed from the estimates."""

from __future__ import annotations

from collections.abc import Sequence

from robustkit.benchmarks.statistics import Estimate, clopper_pearson
from robustkit.benchmarks.summary import Estimates, GatePart, Summary, ThreatPart, Verdict
from robustkit.errors import ExitCode


def min_robust(threat: ThreatPart, threshold: float) -> GatePart:
    """The gate that robust accuracy is at least `threshold`, judged by exact one-sided 95 % bounds.

    It passes if the lower bound reaches the threshold, fails if the upper bound is below it, and is inconclusive otherwise.
    Of the samples without a valid result, the lower bound counts none as robust and the upper bound counts all.
    """
    robust, n = threat.robust_accuracy, threat.robust_accuracy.n
    low = clopper_pearson(threat.robust, n)[0] if n else 0.0
    high = clopper_pearson(threat.robust + threat.errors, n)[1] if n else 1.0
    share = f"robust accuracy {percent(robust.value)} at {threat.id}"
    if threat.errors:
        share = (
            f"robust accuracy between {percent(robust.value)} and {percent(threat.at_most)} at {threat.id} ({threat.errors} of "
            f"{n} samples have no valid result)"
        )
    if low >= threshold:
        outcome, sentence = "passed", f"{share} meets the required {percent(threshold)} (95 % lower bound {percent(low)})"
    elif high < threshold:
        outcome, sentence = (
            "failed",
            f"{share} is below the required {percent(threshold)} (95 % upper bound {percent(high)})",
        )
    else:
        outcome = "inconclusive"
        sentence = (
            f"{share} on {robust.n} samples is too uncertain to compare with the required {percent(threshold)} "
            f"(95 % bounds {percent(low)} and {percent(high)}): audit more samples"
        )
    return GatePart.model_validate(
        {
            "id": f"min-robust {threat.id}",
            "threat": threat.id,
            "threshold": threshold,
            "value": robust.value,
            "low": low,
            "high": high,
            "outcome": outcome,
            "sentence": sentence,
        }
    )


def judge(summary: Estimates, threshold: float | None, problems: Sequence[str] = ()) -> Summary:
    """The summary with its gates, verdict and exit code.

    A failed gate counts even if the evidence is weak. If the records are inconsistent (`problems`, one sentence each), no
    gate is judged.
    """
    judged = [] if threshold is None or problems else summary.threats
    gates = [min_robust(threat, threshold) for threat in judged if threshold is not None]
    codes: list[ExitCode] = []
    reasons: dict[ExitCode, str] = {}

    def add(code: ExitCode, sentence: str) -> None:
        codes.append(code)
        reasons.setdefault(code, sentence)

    if problems:
        more = f" (and {len(problems) - 1} more such problems)" if len(problems) > 1 else ""
        add(ExitCode.UNTRUSTED, f"Not trustworthy: {problems[0]}{more}. Run the same audit again.")
    if summary.data.n == 0:
        add(ExitCode.NOTHING_EVALUATED, "Nothing evaluated: the data set is empty.")
    elif not summary.threats:
        add(ExitCode.NOTHING_EVALUATED, "Nothing evaluated: the run has no threat.")
    for threat in summary.threats:
        if summary.clean.value > 0 and not any(attack.evaluated for attack in threat.attacks):
            add(ExitCode.NOTHING_EVALUATED, f"Nothing evaluated: no attack ran on any sample at {threat.id}.")
    if summary.errors:
        add(
            ExitCode.INCOMPLETE,
            f"Incomplete: the model returned no valid output for {summary.errors} clean images ({summary.message or 'NaN or infinity'}).",
        )
    for gate in gates:
        if gate.outcome == "failed":
            add(ExitCode.GATE_FAILED, f"Failed: {gate.sentence}.")
        if gate.outcome == "inconclusive" and summary.data.n:
            add(ExitCode.INCONCLUSIVE, f"Inconclusive: {gate.sentence}.")
    for threat in summary.threats:
        for attack in threat.attacks:
            if attack.status != "complete":
                add(
                    ExitCode.INCOMPLETE,
                    f"Incomplete: {attack.name} on {threat.id} {attack.status} ({attack.message or 'no message'}).",
                )
                continue
            if invalid := attack.errors - attack.inconsistent:
                add(ExitCode.INCOMPLETE, f"Incomplete: the model's output on {samples(invalid)} was invalid ({attack.name}).")
            if attack.inconsistent:
                add(
                    ExitCode.UNTRUSTED,
                    f"Not trustworthy at {threat.id}: the model classified {samples(attack.inconsistent)} differently when asked "
                    f"again ({attack.name}). Its outputs are random (--eot 21) or depend on the batch.",
                )
        for sentence in threat.incomplete:
            add(ExitCode.INCOMPLETE, f"Incomplete: {sentence}.")
        if not threat.trusted:
            weak = next(flag.sentence for flag in threat.flags if flag.weakens)
            add(ExitCode.UNTRUSTED, f"Not trustworthy at {threat.id}: {weak}")
    code = ExitCode.UNTRUSTED if problems else ExitCode.worst(codes)
    outcomes = {
        ExitCode.GATE_FAILED: "failed",
        ExitCode.INCOMPLETE: "incomplete",
        ExitCode.UNTRUSTED: "untrusted",
        ExitCode.INCONCLUSIVE: "inconclusive",
        ExitCode.NOTHING_EVALUATED: "nothing",
    }
    if code == ExitCode.PASSED:
        outcome = "passed" if gates else "measured"
        sentence = passed_sentence(summary, gates)
    else:
        outcome, sentence = outcomes[code], reasons[code]
    verdict = Verdict.model_validate({"outcome": outcome, "sentence": sentence})
    known = {name: getattr(summary, name) for name in Estimates.model_fields}
    return Summary(**known, gates=gates, verdict=verdict, exit_code=int(code))


def passed_sentence(summary: Estimates, gates: Sequence[GatePart]) -> str:
    """The verdict's sentence for a run without failures or doubts."""
    if gates:
        return "Passed: " + "; ".join(gate.sentence for gate in gates) + "."
    parts = [f"{percent(threat.robust_accuracy.value)} at {threat.id}" for threat in summary.threats]
    return (
        f"{summary.model.name} classifies {percent(summary.clean.value)} of clean images correctly; robust accuracy is at most "
        f"{', '.join(parts)}."
    )


def samples(number: int) -> str:
    """``1 sample``, ``2 samples``."""
    return f"{number} sample" if number == 1 else f"{number} samples"


def percent(value: float | Estimate) -> str:
    """A share as text, one decimal."""
    share = value.value if isinstance(value, Estimate) else value
    return f"{100 * share:.1f} %"
