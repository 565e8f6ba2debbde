"""junit.xml: one test case per gate and per threat, for a CI system's test tab."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from robustkit.benchmarks.report.words import UPPER_BOUND, robust_interval, robust_share, unanswered
from robustkit.benchmarks.summary import Summary, ThreatPart
from robustkit.files import write_bytes
from robustkit.printable import printable


def write_junit(folder: Path, summary: Summary) -> Path:
    """Write ``junit.xml`` into a run folder and return its path.

    A gate that failed or is inconclusive is a failure. A threat is a failure if its evidence is weak, and an error if an attack
    did not finish. A run that evaluated nothing is one error.
    """
    suite = ElementTree.Element("testsuite", name=f"robustkit {printable(summary.run)}", timestamp=printable(summary.created))
    for gate in summary.gates:
        case = _case(suite, "gates", gate.id)
        if gate.outcome != "passed":
            _because(case, "failure", gate.outcome, gate.sentence)
    for threat in summary.threats:
        case = _case(suite, "threats", threat.id, sum(attack.seconds for attack in threat.attacks))
        _evidence(case, threat)
    if summary.verdict.outcome == "nothing":
        _because(_case(suite, "verdict", "samples"), "error", "nothing", summary.verdict.sentence)
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in cases)))
    suite.set("errors", str(sum(case.find("error") is not None for case in cases)))
    path = folder / "junit.xml"
    ElementTree.indent(suite)
    write_bytes(path, ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True) + b"\n")
    return path


def _evidence(case: ElementTree.Element, threat: ThreatPart) -> None:
    broken = [f"{a.spec} {a.status}: {a.message or 'no message'}" for a in threat.attacks if a.status != "complete"]
    weak = [flag.sentence for flag in threat.flags if flag.weakens]
    if broken:
        _because(case, "error", "incomplete", "; ".join(broken))
    elif not threat.trusted:
        _because(case, "failure", "untrusted", " ".join(weak))
    said = ElementTree.SubElement(case, "system-out")
    said.text = (
        f"robust accuracy {robust_share(threat)} ({robust_interval(threat)}), {UPPER_BOUND}. {unanswered(threat)}".rstrip()
    )


def _case(suite: ElementTree.Element, group: str, name: str, seconds: float = 0.0) -> ElementTree.Element:
    return ElementTree.SubElement(
        suite, "testcase", classname=f"robustkit.{group}", name=printable(name), time=f"{seconds:.3f}"
    )


def _because(case: ElementTree.Element, tag: str, kind: str, sentence: str) -> None:
    why = ElementTree.SubElement(case, tag, type=kind, message=printable(sentence))
    why.text = printable(sentence)
