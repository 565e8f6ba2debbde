"""An audit from model and data to a verdict, and again after something went wrong."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from robustkit import InputSpec, Model, registry
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running import attack_cell, records
from robustkit.benchmarks.running import work as working
from robustkit.benchmarks.running.progress import on_stderr
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.data import load_data
from robustkit.errors import ExitCode, UsageError


def run(model: Model, data: Any, out: Path, **options: Any) -> Any:
    return audit(model, data, out=out, **{"threats": ["linf:0.105"], "attacks": ["pgd:steps=5"], **options})


def stable(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without what may differ between two runs of the same thing."""
    text = json.loads(json.dumps(summary))
    for key in ("created", "run", "repeat"):
        text.pop(key)
    for threat in text["threats"]:
        for attack in threat["attacks"]:
            attack.pop("seconds")
    return text


def test_robust_accuracy_is_the_closed_form(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = run(linear_model, linear_data, tmp_path / "run").report
    # Images at distance 0.01 to 0.10 fall to an attacker with 0.105; the other ten stand.
    assert found.threats[0].robust_accuracy.value == 0.5
    assert found.clean.value == 1.0
    assert found.threats[0].attacks[0].decided == 10
    for name in ("run.json", "summary.json", "report.html", "junit.xml", "robustkit.sarif"):
        assert (tmp_path / "run" / name).stat().st_size > 0


def test_one_row_a_sample_and_attack(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = run(linear_model, linear_data, tmp_path / "run", attacks=["pgd:steps=5", "noise"]).report
    for attack in found.threats[0].attacks:
        (path,) = (tmp_path / "run" / "records" / attack.cell).glob("*.parquet")
        rows = records.read(path)
        assert rows is not None
        assert sorted(rows["sample_id"].tolist()) == list(range(20))
        assert not (rows["reported"] & ~rows["verified"]).any()


def test_survivors_only_and_worst_case(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    suite = tmp_path / "two.toml"
    suite.write_text(
        'summary = "s"\nthreats = ["linf"]\n[[stage]]\nattack = "noise"\nrole = "control"\n'
        '[[stage]]\nattack = "pgd:steps=5"\non = "survivors"\n'
    )
    found = run(linear_model, linear_data, tmp_path / "run", attacks=[], suite=str(suite)).report
    noise, pgd = found.threats[0].attacks
    assert noise.evaluated == 20
    assert pgd.evaluated == 20 - noise.decided
    assert noise.decided + pgd.decided == 10


def test_the_same_call_computes_nothing_twice(
    linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(linear_model, linear_data, tmp_path / "run").summary

    def refuse(*_: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr(attack_cell, "carry_out", refuse)
    assert stable(run(linear_model, linear_data, tmp_path / "run").summary) == stable(first)


def test_a_damaged_or_missing_record_is_computed_again(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    first = run(linear_model, linear_data, tmp_path / "run").summary
    said: list[str] = []

    class Hear:
        def __getattr__(self, name: str) -> Any:
            return lambda *values, **_: said.append(values[0]) if name == "note" else None

    cell = first["threats"][0]["attacks"][0]["cell"]
    (path,) = (tmp_path / "run" / "records" / cell).glob("*.parquet")
    path.write_bytes(b"PAR1 broken")
    assert stable(run(linear_model, linear_data, tmp_path / "run", progress=Hear()).summary) == stable(first)
    assert any("damaged" in sentence for sentence in said)
    shutil.rmtree(path.parent)
    assert stable(run(linear_model, linear_data, tmp_path / "run").summary) == stable(first)


def test_another_configuration_is_refused(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    run(linear_model, linear_data, tmp_path / "run")
    with pytest.raises(UsageError, match="another configuration"):
        run(linear_model, linear_data, tmp_path / "run", seed=1)


def test_shards_do_not_change_the_summary(
    linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(linear_model, linear_data, tmp_path / "whole", attacks=["pgd:steps=5", "noise"]).summary
    monkeypatch.setattr(working, "shard_size", lambda *_: 3)
    parts = run(linear_model, linear_data, tmp_path / "parts", attacks=["pgd:steps=5", "noise"]).summary
    assert stable(parts) == stable(whole)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crashes(Attack):
    info: ClassVar[AttackInfo] = AttackInfo(
        name="crashes", threats=("linf",), knowledge="white-box", targeted=False, cost="0", paper="none"
    )

    def run(self, *_: Any) -> Any:
        raise RuntimeError("boom")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lies(Attack):
    """Reports success with the clean image, and with one outside the budget."""

    info: ClassVar[AttackInfo] = dataclasses.replace(Crashes.info, name="lies")

    def run(self, model: Model, samples: Any, threat: Any, seed: int) -> Any:
        result = registry.build("attacks", "noise", {}).run(model, samples, threat, seed)
        x = samples.x
        far = torch.zeros_like(x)
        return dataclasses.replace(
            result,
            x_adv=torch.where(torch.arange(len(x))[:, None, None, None] % 2 == 0, x, far),
            success=torch.ones_like(samples.y).bool(),
        )


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    original = registry.build
    made = {"crashes": Crashes, "lies": Lies}
    monkeypatch.setattr(
        registry, "build", lambda group, name, params: made[name]() if name in made else original(group, name, params)
    )


@pytest.mark.usefixtures("strangers")
def test_a_crash_is_never_robust(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = run(linear_model, linear_data, tmp_path / "run", attacks=["crashes"]).report
    assert found.threats[0].robust_accuracy.value == 0.0
    assert found.threats[0].errors == 20
    assert found.exit_code == ExitCode.INCOMPLETE
    assert "boom" in found.verdict.sentence


@pytest.mark.usefixtures("strangers")
def test_a_crash_fails_no_gate_and_passes_none(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    options: dict[str, Any] = {"attacks": ["crashes", "pgd:steps=5"]}
    found = run(linear_model, linear_data, tmp_path / "run", min_robust=0.75, **options).report
    # Ten samples were successfully attacked, whatever the other attack would have done.
    assert (found.threats[0].robust_accuracy.value, found.threats[0].errors) == (0.0, 10)
    assert found.threats[0].at_most.value == 0.5
    assert found.exit_code == ExitCode.GATE_FAILED
    assert found.threats[0].attacks[1].decided == 10
    assert run(linear_model, linear_data, tmp_path / "run", min_robust=0.2, **options).exit_code == ExitCode.INCOMPLETE


@pytest.mark.usefixtures("strangers")
def test_a_crash_is_no_sign_of_masked_gradients(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = run(linear_model, linear_data, tmp_path / "run", attacks=["crashes"]).report
    assert not [flag for flag in found.threats[0].flags if flag.weakens]


class Flaky(nn.Module):
    """Class 1 where the sum is above 2; bad images (by their sum) are answered as the machine's state says, while it does."""

    def forward(self, x: torch.Tensor) -> Any:
        total = x.flatten(1).sum(1)
        logits = torch.stack([2 - total, total - 2], dim=1)
        far = (total > 2.745) & (x.flatten(1).std(1) == 0)  # the clean images from 0.19 on
        bad = os.environ.get("BAD")
        if bad == "raises" and far.any():
            raise RuntimeError("boom")
        return torch.where(far[:, None], torch.nan, logits) if bad == "nan" else logits


@pytest.mark.parametrize("bad", ["raises", "nan"])
def test_clean_images_without_an_answer_are_incomplete_and_asked_again(
    bad: str, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "shard_size", lambda *_: 5)
    monkeypatch.setenv("BAD", bad)
    model = Model(Flaky(), spec=InputSpec(channels=1), device="cpu")
    found = run(model, linear_data, tmp_path / "run", min_robust=0.6).report
    lost = {"raises": 5, "nan": 2}[bad]
    assert (found.errors, found.threats[0].errors) == (lost, lost)
    assert found.threats[0].robust_accuracy.value == (10 - lost) / 20
    assert found.exit_code == ExitCode.INCOMPLETE
    assert found.verdict.sentence.startswith("Incomplete: the model returned no valid output for")
    monkeypatch.delenv("BAD")
    after = run(model, linear_data, tmp_path / "run", min_robust=0.1).report
    assert (after.errors, after.threats[0].robust_accuracy.value, after.exit_code) == (0, 0.5, 0)


@pytest.mark.usefixtures("strangers")
def test_what_crashed_is_computed_again_and_what_did_not_is_reused(
    linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacks = ["pgd:steps=5", "crashes"]
    assert run(linear_model, linear_data, tmp_path / "run", attacks=attacks).exit_code == ExitCode.INCOMPLETE
    asked = []
    original = attack_cell.carry_out
    monkeypatch.setattr(attack_cell, "carry_out", lambda job, model: asked.append(job.cell.spec) or original(job, model))
    noise = registry.build("attacks", "noise", {})
    monkeypatch.setattr(Crashes, "run", lambda self, *rest: noise.run(*rest))
    found = run(linear_model, linear_data, tmp_path / "run", attacks=attacks).report
    assert (asked, found.exit_code, found.threats[0].robust_accuracy.value) == (["crashes"], 0, 0.5)


def test_a_universal_attack_whose_fit_crashes_is_fitted_again(
    linear_model: Model, linear_data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("boom")

    with monkeypatch.context() as broken:
        broken.setattr(type(registry.build("attacks", "uap", {})), "fit_to", fail)
        found = run(linear_model, linear_data, tmp_path / "run", attacks=["uap"]).report
        assert (found.exit_code, found.threats[0].errors) == (ExitCode.INCOMPLETE, 20)
        assert "boom" in found.verdict.sentence
    assert run(linear_model, linear_data, tmp_path / "run", attacks=["uap"]).report.threats[0].errors == 0


@pytest.mark.usefixtures("strangers")
def test_claims_are_checked_by_the_harness(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = run(linear_model, linear_data, tmp_path / "run", attacks=["lies"]).report
    assert found.threats[0].robust_accuracy.value == 1.0
    assert found.threats[0].attacks[0].unconfirmed == 20
    assert found.exit_code == ExitCode.UNTRUSTED


class Net(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.calls, self.most = kind, 0, 25

    def forward(self, x: torch.Tensor) -> Any:
        self.calls += 1
        score = x.flatten(1).sum(1) - 2
        logits = torch.stack([-score, score], dim=1)
        match self.kind:
            case "nan":
                return logits * torch.nan
            case "shape":
                return logits[:1]
            case "probabilities":
                return (50 * logits).softmax(1)
            case "detached":
                return logits.detach()
            case "random":
                return logits + torch.randn_like(logits)
            case "constant":
                return logits * 0 + torch.tensor([0.0, 1.0])
            case "writes":
                x.clamp_(0.2, 0.8)
                return torch.stack([-(s := x.flatten(1).sum(1) - 2), s], dim=1)
            case "drifts":
                return logits if self.calls < self.most else -logits
            case "dies" if self.calls > 23:
                raise RuntimeError("boom")
            case "dies":
                return logits
            case "masked":
                return logits.sign() * 10 + 0 * logits
        raise AssertionError


def audited(kind: str, data: Any, out: Path, **options: Any) -> Any:
    return run(Model(Net(kind), spec=InputSpec(channels=1), device="cpu"), data, out, **options).report


@pytest.mark.parametrize("calls", [25, 28])  # in the attack's first pass, and in the middle of its search
def test_a_model_that_changes_its_mind_about_clean_images_proves_nothing(calls: int, linear_data: Any, tmp_path: Path) -> None:
    net = Net("drifts")
    net.most = calls
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    found = run(model, linear_data, tmp_path / "run", min_robust=0.9, attacks=["pgd:steps=20"], threats=["linf:0.005"]).report
    assert found.threats[0].errors == 20
    assert found.exit_code == ExitCode.UNTRUSTED
    assert "the model classified 20 samples differently when asked again" in found.verdict.sentence


@pytest.mark.parametrize(
    ("kind", "sentence"), [("nan", "NaN or infinity"), ("shape", "expected logits of shape"), ("detached", "no gradient flows")]
)
def test_a_model_that_cannot_be_audited_is_one_sentence(kind: str, sentence: str, linear_data: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        audited(kind, linear_data, tmp_path / "run")


@pytest.mark.parametrize(
    ("kind", "flag"), [("probabilities", "probabilities"), ("random", "randomised"), ("masked", "zero-gradients")]
)
def test_weak_evidence_is_flagged(kind: str, flag: str, linear_data: Any, tmp_path: Path) -> None:
    found = audited(kind, linear_data, tmp_path / "run")
    assert flag in [f.id for f in found.threats[0].flags]
    assert not found.threats[0].trusted
    assert found.exit_code in (ExitCode.UNTRUSTED, ExitCode.INCOMPLETE)


def test_chance_passes_no_gate(linear_data: Any, tmp_path: Path) -> None:
    x, y = linear_data
    found = audited("constant", (x, y * (torch.arange(20) % 2)), tmp_path / "run", min_robust=0.2)
    assert found.threats[0].robust_accuracy.value == 0.5
    assert found.exit_code == ExitCode.UNTRUSTED
    assert any("indistinguishable from chance" in flag.sentence for flag in found.threats[0].flags)


def test_a_network_that_writes_on_its_input_is_audited_as_any_other(
    linear_model: Model, linear_data: Any, tmp_path: Path
) -> None:
    options = {"attacks": ["pgd:steps=5", "square:steps=10", "noise"]}
    plain = run(linear_model, linear_data, tmp_path / "plain", **options).report
    before = linear_data[0].clone()
    found = audited("writes", linear_data, tmp_path / "writes", **options)
    assert torch.equal(linear_data[0], before)
    assert found.exit_code == ExitCode.PASSED
    assert [a.robust_accuracy for a in found.threats[0].attacks] == [a.robust_accuracy for a in plain.threats[0].attacks]


def test_a_model_that_dies_on_the_way_leaves_a_report(linear_data: Any, tmp_path: Path) -> None:
    found = audited("dies", linear_data, tmp_path / "run", attacks=["pgd:steps=40"])
    assert found.exit_code == ExitCode.INCOMPLETE
    assert "boom" in found.verdict.sentence


def test_images_and_labels_that_cannot_be_meant(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    x, y = linear_data
    with pytest.raises(UsageError, match="divide by 255"):
        run(linear_model, (x * 255, y), tmp_path / "a")
    with pytest.raises(UsageError, match="already normalised"):
        run(linear_model, (x - 0.9, y), tmp_path / "b")
    with pytest.raises(UsageError, match="classes"):
        run(linear_model, (x, y + 1), tmp_path / "c")
    with pytest.raises(UsageError, match="above 1"):
        run(linear_model, (x, y), tmp_path / "d", threats=["linf:8"])


def test_nothing_to_evaluate(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    x, y = linear_data
    found = run(linear_model, (x[:0], y[:0]), tmp_path / "run").report
    assert found.exit_code == ExitCode.NOTHING_EVALUATED


def test_a_defended_model_shows_both_numbers(linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    from robustkit import defend

    found = run(defend(linear_model, "bit-depth", bits=3), linear_data, tmp_path / "run").report
    threat = found.threats[0]
    assert threat.non_adaptive is not None
    assert found.model.defenses
    assert np.isfinite(threat.non_adaptive.robust_accuracy.value)


def test_how_the_data_were_read_stands_in_the_run(tmp_path: Path) -> None:
    for name in range(11):
        (tmp_path / f"d/{name}").mkdir(parents=True)
        Image.new("L", (2, 2), 20 * name).save(tmp_path / f"d/{name}/x.png")
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(4, 11)), spec=InputSpec(channels=1), device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", io.StringIO())
        found = run(model, f"folder:{tmp_path / 'd'}", tmp_path / "run", progress=on_stderr()).report
        said = sys.stderr.getvalue()
    assert found.data.mapping["10"] == 10
    (flag,) = [flag for flag in found.threats[0].flags if flag.id == "data"]
    assert "--class-order name" in flag.sentence
    assert "--class-order name" in said
    assert not flag.weakens
    by_name = run(model, load_data(f"folder:{tmp_path / 'd'}", class_order="name"), tmp_path / "other").report
    assert by_name.data.mapping["10"] == 2
    assert not [flag for flag in by_name.threats[0].flags if flag.id == "data"]
