"""What `robustkit audit` hands to the audit, and what it refuses before anything is computed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from robustkit.cli import audit
from robustkit.cli.commands import app
from robustkit.errors import RobustkitError, UsageError

MODEL, THREAT = "builtin/fashion-robust", ("--threat", "linf:0.1")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What the audit was asked, which is not carried out."""
    found: dict[str, Any] = {}

    def note(model: Any, data: Any, **options: Any) -> Any:
        found.update(options, model=model, data=data)
        return SimpleNamespace(report=None, folder=tmp_path)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("robustkit.benchmarks.audit.audit", note)
    monkeypatch.setattr(audit, "show", lambda report, folder: 5)
    return found


def run(*words: str) -> int:
    done = CliRunner().invoke(app, ["audit", *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value.code)


def test_options_reach_the_audit_and_the_verdicts_code_comes_back(asked: dict[str, Any]) -> None:
    words = (
        "--attack",
        "pgd:steps=5",
        "--attack",
        "noise",
        "--limit",
        "7",
        "--seed",
        "3",
        "--min-robust",
        "0.25",
        "--eot",
        "2",
    )
    assert run(MODEL, *THREAT, "--threat", "l2:1", *words, "--skip-broken", "-o", "here") == 5
    assert [threat.id for threat in asked["threats"]] == ["linf:0.1", "l2:1"]
    assert asked["attacks"] == ["pgd:steps=5", "noise"]
    assert (asked["limit"], asked["seed"], asked["min_robust"], asked["eot"], asked["skip_broken"]) == (7, 3, 0.25, 2, True)
    assert asked["out"] == Path("here")
    assert asked["model"].name == MODEL
    assert asked["data"].name == "builtin/fashion"  # which is what that model was trained for
    assert asked["repeat"]["options"]["data"] == "builtin/fashion"
    assert "threat" in asked["repeat"]["options"]


def test_the_defense_named_first_sees_the_image_first(asked: dict[str, Any]) -> None:
    run(MODEL, *THREAT, "--defense", "jpeg:quality=50", "--defense", "bit-depth:bits=3")
    assert [defense.info.name for defense in asked["model"].defenses] == ["jpeg", "bit-depth"]


def test_a_search_in_lower_precision_has_a_twin_and_others_have_none(asked: dict[str, Any]) -> None:
    run(MODEL, *THREAT)
    assert asked["model"].twin is None
    run(MODEL, *THREAT, "--channels-last")
    assert asked["model"].twin is not None


def test_surrogates_are_loaded(asked: dict[str, Any]) -> None:
    run(MODEL, *THREAT, "--surrogate", "builtin/fashion-standard")
    assert [each.name for each in asked["surrogates"]] == ["builtin/fashion-standard"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no model was given: name one, such as builtin/fashion-robust"),
        ((MODEL,), "no threat was given: name one, such as --threat linf:8/255"),
        (("builtin/fashion-robst", *THREAT), "did you mean"),
        ((MODEL, "--threat", "linf:-1"), "above 0"),
        ((MODEL, "--threat", "linf:0"), "above 0"),
        ((MODEL, "--threat", "linff:0.1"), "did you mean"),
        ((MODEL, *THREAT, "--suite", "standart"), "did you mean"),
        ((MODEL, *THREAT, "--suite", "quick", "--attack", "pgd"), "--attack pgd runs instead of a suite, but --suite quick"),
        ((MODEL, *THREAT, "--defense", "jpg"), "did you mean"),
        ((MODEL, *THREAT, "--data", "builtin/fasion"), "did you mean"),
        ((MODEL, *THREAT, "--data", "folder:nowhere"), "nowhere"),
        ((MODEL, *THREAT, "--min-robust", "50"), "between 0 and 1"),
        ((MODEL, *THREAT, "--limit", "0"), "at least 1"),
        (("timm/resnet18", *THREAT), "no data was given for timm/resnet18: use --data, such as --data folder:photos"),
    ],
)
def test_a_mistake_is_said_before_the_audit_begins(asked: dict[str, Any], words: tuple[str, ...], says: str) -> None:
    with pytest.raises(RobustkitError) as caught:
        run(*words)
    assert isinstance(caught.value.__cause__ or caught.value, UsageError)
    assert says in str(caught.value)
    assert asked == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [(("--attack", "pdg"), "did you mean"), (("-o", "/proc/nowhere"), "cannot be the folder of a run")],
)
def test_a_mistake_that_the_audit_itself_finds(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        run(MODEL, *THREAT, "--limit", "4", *(words if "-o" in words else (*words, "-o", str(tmp_path / "run"))))
