"""Gates and the verdict: what the numbers mean for a release."""

from __future__ import annotations

from collections.abc import Sequence

from robustkit.benchmarks.statistics import Estimate, clopper_pearson
from robustkit.benchmarks.summary import Estimates, GatePart, Summary, ThreatPart, Verdict
from robustkit.errors import ExitCode


def min_robust(threat: ThreatPart, threshold: float) -> GatePart:
    """Robust accuracy is at least `threshold`, judged by exact one-sided 95 % bounds.

    It passes when the lower bound reaches the threshold, fails when the upper bound stays below it, and is inconclusive
    when the samples are too few to tell. Samples without a valid answer count against a pass and against a failure: the lower
    bound takes none of them as robust, the upper bound all.
    """
    robust, n = threat.robust_accuracy, threat.robust_accuracy.n
    low = clopper_pearson(threat.robust, n)[0] if n else 0.0
    high = clopper_pearson(threat.robust + threat.errors, n)[1] if n else 1.0
    share = f"robust accuracy {percent(robust.value)} at {threat.id}"
    if threat.errors:
        share = (
            f"robust accuracy between {percent(robust.value)} and {percent(threat.at_most)} at {threat.id} ({threat.errors} of "
            f"{n} samples have no valid answer)"
        )
    if low >= threshold:
        outcome, sentence = "passed", f"{share} meets the required {percent(threshold)} (at least {percent(low)}, 95 %)"
    elif high < threshold:
        outcome, sentence = (
            "failed",
            f"{share} is below the required {percent(threshold)} (at most {percent(high)}, 95 %)",
        )
    else:
        outcome = "inconclusive"
        sentence = (
            f"{share} on {robust.n} samples cannot be told from the required {percent(threshold)} "
            f"({percent(low)} to {percent(high)}, 95 %): audit more samples"
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

    A failure stands even if the evidence is weak. Where the records contradict themselves (`problems`, one sentence each), no
    gate is judged: neither a pass nor a failure follows from them.
    """
    judged = [] if threshold is None or problems else summary.threats
    gates = [min_robust(threat, threshold) for threat in judged if threshold is not None]
    codes: list[ExitCode] = []
    reasons: dict[ExitCode, str] = {}

    def hold(code: ExitCode, sentence: str) -> None:
        codes.append(code)
        reasons.setdefault(code, sentence)

    if problems:
        more = f" ({len(problems) - 1} more of this kind)" if len(problems) > 1 else ""
        hold(ExitCode.UNTRUSTED, f"Not trustworthy: {problems[0]}{more}. Run the same audit again.")
    if summary.data.n == 0:
        hold(ExitCode.NOTHING_EVALUATED, "Nothing was evaluated: the data holds no sample.")
    elif not summary.threats:
        hold(ExitCode.NOTHING_EVALUATED, "Nothing was evaluated: the run holds no threat.")
    for threat in summary.threats:
        if summary.clean.value > 0 and not any(attack.evaluated for attack in threat.attacks):
            hold(ExitCode.NOTHING_EVALUATED, f"Nothing was evaluated: no attack was given a sample at {threat.id}.")
    if summary.errors:
        hold(
            ExitCode.INCOMPLETE,
            f"Incomplete: the model gave no valid answer to {summary.errors} clean images ({summary.message or 'NaN or infinity'}).",
        )
    for gate in gates:
        if gate.outcome == "failed":
            hold(ExitCode.GATE_FAILED, f"Failed: {gate.sentence}.")
        if gate.outcome == "inconclusive" and summary.data.n:
            hold(ExitCode.INCONCLUSIVE, f"Inconclusive: {gate.sentence}.")
    for threat in summary.threats:
        for attack in threat.attacks:
            if attack.status != "complete":
                hold(
                    ExitCode.INCOMPLETE,
                    f"Incomplete: {attack.name} on {threat.id} {attack.status} ({attack.message or 'no message'}).",
                )
            elif attack.errors:
                hold(
                    ExitCode.INCOMPLETE,
                    f"Incomplete: the model gave no valid answer, or contradicted itself, on {attack.errors} samples ({attack.name}).",
                )
        for sentence in threat.incomplete:
            hold(ExitCode.INCOMPLETE, f"Incomplete: {sentence}.")
        if not threat.trusted:
            weak = next(flag.sentence for flag in threat.flags if flag.weakens)
            hold(ExitCode.UNTRUSTED, f"Not trustworthy at {threat.id}: {weak}")
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
    """What is said when nothing stands against the run."""
    if gates:
        return "Passed: " + "; ".join(gate.sentence for gate in gates) + "."
    parts = [f"{percent(threat.robust_accuracy.value)} at {threat.id}" for threat in summary.threats]
    return f"{summary.model.name} is right on {percent(summary.clean.value)} of clean images and at most {', '.join(parts)}."


def percent(value: float | Estimate) -> str:
    """A share as text, one decimal."""
    share = value.value if isinstance(value, Estimate) else value
    return f"{100 * share:.1f} %"
