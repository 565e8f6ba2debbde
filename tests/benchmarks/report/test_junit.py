"""junit.xml holds one case for each gate and threat, and says why one fails."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from robustkit.benchmarks.report.junit import write_junit
from robustkit.benchmarks.summary import Summary, Verdict


def cases(folder: Path, summary: Summary) -> dict[str, ElementTree.Element]:
    suite = ElementTree.parse(write_junit(folder, summary)).getroot()
    found = {case.get("name"): case for case in suite}
    assert int(suite.get("tests")) == len(found)
    assert int(suite.get("failures")) == len(suite.findall("*/failure"))
    assert int(suite.get("errors")) == len(suite.findall("*/error"))
    return found


def test_a_passed_gate_and_a_trusted_threat_have_no_failure(parts, tmp_path):
    found = cases(tmp_path, parts["summary"](gates=[parts["gate"]("passed")]))
    assert list(found) == ["min-robust linf:0.1", "linf:0.1"]
    assert not any(case.findall("failure") + case.findall("error") for case in found.values())


def test_a_failed_gate_says_why(parts, tmp_path):
    found = cases(tmp_path, parts["summary"](gates=[parts["gate"]("failed")]))
    assert found["min-robust linf:0.1"].find("failure").get("message") == parts["gate"]().sentence


def test_weak_evidence_fails_and_a_crash_is_an_error(parts, tmp_path):
    weak = parts["threat"](trusted=False, flags=[parts["weak"]()])
    crashed = parts["threat"](id="l2:0.5", attacks=[parts["attack"](status="crashed", message="boom \x00<&>")])
    found = cases(tmp_path, parts["summary"](threats=[weak, crashed]))
    assert found["linf:0.1"].find("failure").get("type") == "untrusted"
    assert "boom" in found["l2:0.5"].find("error").get("message")


def test_nothing_evaluated_is_an_error(parts, tmp_path):
    summary = parts["summary"](threats=[], verdict=Verdict(outcome="nothing", sentence="The data set is empty."))
    assert cases(tmp_path, summary)["samples"].find("error").get("message") == "The data set is empty."
