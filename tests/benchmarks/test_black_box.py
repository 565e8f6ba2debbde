"""An audit of a model that is no torch network plans what its knowledge admits, by itself, and says so."""

import json

import pytest

from robustkit.benchmarks.audit import audit
from tests.kinds import Decisions, Scores, images


@pytest.mark.parametrize(
    ("kind", "runs", "gives"), [(Scores, {"square", "hopskipjump"}, "score"), (Decisions, {"hopskipjump"}, "decision")]
)
def test_the_standard_suite_runs_black_box_stages_and_says_so(tmp_path, kind, runs, gives):
    model, x = kind(), images(16)
    run = audit(model, (x, model.logits(x).argmax(1)), threats=["linf:0.1"], suite="standard", out=tmp_path / "run")
    (threat,) = run.report.threats
    assert {attack.name for attack in threat.attacks} == runs
    assert run.report.clean.value == 1.0
    assert threat.robust_accuracy.value < 0.5
    (flag,) = threat.flags
    assert (flag.id, flag.weakens) == ("black-box", False)
    assert f"{kind.__name__} provides no gradients ({gives} knowledge only): the stages of 'black-box' run" in flag.sentence
    assert run.exit_code == 0
    held = json.loads((tmp_path / "run" / "run.json").read_text())
    assert held["model"]["parameters"] == 0
