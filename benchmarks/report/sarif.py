"""robustkit.sarif: failed gates and weak evidence in the format of code scanning (SARIF 2.1.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robustkit.benchmarks.summary import Summary
from robustkit.files import write_text
from robustkit.printable import printable

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(folder: Path, summary: Summary) -> Path:
    """Write ``robustkit.sarif`` into a run folder and return its path.

    One error per failed gate and one warning per flag that weakens the evidence; both point to ``summary.json``.
    """
    failed = [("min-robust", "error", gate.threat, gate.sentence) for gate in summary.gates if gate.outcome == "failed"]
    weak = [
        (flag.id, "warning", threat.id, f"{threat.id}: {flag.sentence}")
        for threat in summary.threats
        for flag in threat.flags
        if flag.weakens
    ]
    found = failed + weak
    rules = sorted({rule for rule, *_ in found})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "robustkit",
                        "version": summary.robustkit,
                        "rules": [{"id": printable(r)} for r in rules],
                    }
                },
                "results": [_result(summary, rules, *one) for one in found],
            }
        ],
    }
    path = folder / "robustkit.sarif"
    write_text(path, json.dumps(log, indent=2, ensure_ascii=False) + "\n")
    return path


def _result(summary: Summary, rules: list[str], rule: str, level: str, threat: str, sentence: str) -> dict[str, Any]:
    return {
        "ruleId": printable(rule),
        "ruleIndex": rules.index(rule),
        "level": level,
        "message": {"text": printable(sentence)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "summary.json"}, "region": {"startLine": 1}},
                "logicalLocations": [{"name": printable(summary.model.name), "kind": "module"}],
            }
        ],
        "partialFingerprints": {"robustkit/v1": f"{printable(rule)}:{printable(threat)}:{summary.model.fingerprint}"},
    }
