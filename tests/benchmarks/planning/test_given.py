"""What a caller hands to an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.planning.given import read_attacks, read_threats
from robustkit.errors import UsageError
from robustkit.threats import Threat


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": print}, "the model is a builtin_function_or_method"),
        ({"limit": "5"}, "limit='5'"),
        ({"limit": 1.5}, "limit=1.5"),
        ({"eot": 0}, "eot=0"),
        ({"eot": 2.5}, "eot=2.5"),
        ({"min_robust": True}, "min_robust=True"),
        ({"min_robust": "0.5"}, "min_robust='0.5'"),
        ({"min_robust": float("nan")}, "min_robust=nan"),
        ({"threats": [5]}, "threat 5 is a int"),
        ({"attacks": [None]}, "attack None is a NoneType"),
        ({"attacks": ["fgsm", "pgd", "fgsm"]}, "attack 'fgsm' is given twice: name each attack once"),
    ],
)
def test_another_type_is_one_sentence(wrong: dict[str, Any], says: str, linear_model: Any, linear_data: Any, tmp_path: Path):
    given = {"model": linear_model, "data": linear_data, "threats": ["linf:0.1"], "out": tmp_path / "run", **wrong}
    with pytest.raises(UsageError, match=says.replace("[", r"\[")):
        audit(**given)
    assert not (tmp_path / "run").exists()


def test_one_text_is_one_threat_or_attack():
    assert read_threats("linf:0.1") == [Threat.parse("linf:0.1")] == read_threats(Threat.parse("linf:0.1"))
    assert read_attacks("pgd") == ["pgd"]
