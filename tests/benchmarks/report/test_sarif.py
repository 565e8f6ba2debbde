"""robustkit.sarif holds one result for each failed gate and each flag that weakens."""

from __future__ import annotations

import json

from robustkit.benchmarks.report.sarif import write_sarif
from robustkit.benchmarks.summary import Flag


def test_failed_gates_and_weakening_flags_are_results(parts, tmp_path):
    note = Flag(id="probabilities", weakens=False, sentence="The model seems to return probabilities.")
    threat = parts["threat"](trusted=False, flags=[parts["weak"](), note])
    summary = parts["summary"](threats=[threat], gates=[parts["gate"]("failed"), parts["gate"]("passed", "l2:0.5")])
    log = json.loads(write_sarif(tmp_path, summary).read_text("utf-8"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    results = run["results"]
    assert [(r["ruleId"], r["level"]) for r in results] == [("min-robust", "error"), ("zero-gradients", "warning")]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[r["ruleIndex"]] == r["ruleId"] for r in results)
    assert all(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "summary.json" for r in results)
    assert len({r["partialFingerprints"]["robustkit/v1"] for r in results}) == 2


def test_a_clean_run_has_no_result(parts, tmp_path):
    log = json.loads(write_sarif(tmp_path, parts["summary"]()).read_text("utf-8"))
    assert log["runs"][0]["results"] == []
