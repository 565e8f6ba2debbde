"""A randomised model is judged by the majority of as many draws as it is asked with, the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model
from robustkit.benchmarks import verdict
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.planning.check import looks_random
from robustkit.benchmarks.running.records import read


class Flips(nn.Module):
    """Three classes by brightness; another than that on a share of all draws."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centres = torch.tensor([0.5, 1.5, 2.5])
        scores = 3 * x.flatten(1).mean(1, keepdim=True) * centres - centres**2 / 2
        flipped = torch.rand(len(x), 1) < self.share
        return torch.where(flipped, scores.roll(1, dims=1), scores)


@pytest.fixture(autouse=True)
def no_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "write_documents", lambda *_: None)


def subject(share: float, draws: int = 1) -> Model:
    return Model(Flips(share), spec=InputSpec(channels=1), device="cpu", draws=draws)


def images(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(n) % 3
    return ((y + 0.6) / 3)[:, None, None, None].expand(n, 1, 4, 4).clone(), y


def run(out: Path, attacks: list[str], *, share: float = 0.3, n: int = 60, **options: Any) -> Any:
    return audit(subject(share), images(n), **{"threats": ["linf:0.02"], **options}, attacks=attacks, out=out)


def test_a_majority_that_is_practically_never_wrong_is_robust(tmp_path: Path) -> None:
    found = run(
        tmp_path / "run", ["noise:steps=2", "pgd:steps=3"], share=0.1, n=24, eot=51, min_robust=0.8, threats=["linf:0.12"]
    ).report
    threat = found.threats[0]
    assert (found.clean.value, threat.robust_accuracy.value) == (1, 1)
    assert [(flag.id, flag.weakens) for flag in threat.flags] == [("randomised", False)]
    assert "51 draws" in threat.flags[0].sentence
    assert found.exit_code == 0


def test_one_draw_is_not_trusted(tmp_path: Path) -> None:
    threat = run(tmp_path / "run", ["pgd:steps=5"]).report.threats[0]
    (flag,) = (flag for flag in threat.flags if flag.id == "randomised")
    assert flag.weakens
    assert "--eot" in flag.sentence


def test_a_model_that_is_mostly_wrong_off_the_clean_images_is_successfully_attacked(tmp_path: Path) -> None:
    model, (x, y) = subject(0.0), images(12)
    model.net.forward = lambda seen: Flips.forward(subject(0.0 if bool((seen == x[0]).any()) else 0.8).net, seen)
    found = audit(model, (x[:1], y[:1]), threats=["linf:0.02"], attacks=["noise"], eot=21, out=tmp_path / "run").report
    assert found.threats[0].robust_accuracy.value == 0


def test_draws_are_counted_in_the_clean_pass(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", ["noise:steps=1"], n=6, eot=5).folder
    (path,) = (folder / "records").glob("clean-*/*.parquet")
    rows = read(path)
    assert rows is not None
    assert rows["forwards"].tolist() == [5] * 6
    assert ((rows["prediction"] == rows["label"]) == (rows["status"] == "failed")).all()


def test_a_resumed_run_equals_an_uninterrupted_one_whatever_the_callers_random_state(tmp_path: Path) -> None:
    attacks = ["noise:steps=2", "pgd:steps=3", "uap:steps=2,batch=4"]
    torch.manual_seed(1)
    whole = run(tmp_path / "whole", attacks, share=0.45, eot=3)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    run(tmp_path / "resumed", attacks, share=0.45, eot=3)
    assert torch.equal(before, torch.get_rng_state())
    for path in sorted((tmp_path / "resumed" / "records").glob("*/*.parquet"))[1:]:
        path.unlink()
    again = run(tmp_path / "resumed", attacks, share=0.45, eot=3)
    for one, other in zip(*(sorted(each.folder.glob("records/*/*.parquet")) for each in (whole, again)), strict=True):
        first, second = read(one), read(other)
        assert first is not None
        assert second is not None
        for name, column in first.columns.items():
            assert column.tolist() == second[name].tolist(), (one, name)


@pytest.mark.parametrize(("share", "draws", "trusted"), [(0.3, 1, False), (0.3, 5, False), (0.3, 21, True), (0.05, 3, True)])
def test_draws_are_enough_when_their_majorities_agree(share: float, draws: int, trusted: bool) -> None:
    flag = looks_random(subject(share, draws), *images(16))
    assert flag is not None
    assert flag.weakens is not trusted


def test_a_model_that_does_not_draw_is_not_randomised() -> None:
    assert looks_random(subject(0.0), *images(16)) is None


class Broken(nn.Module):
    """Two classes by the sum of the pixels above 0.5; the gradient in the others is not a number."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = (((x - 0.5) * (x > 0.5)).sqrt() ** 2).flatten(1).sum(1) - 1
        return torch.stack([-lead, lead], 1)


@pytest.mark.parametrize(
    "attack", ["pgd:steps=4", "fab:steps=4", "uap:steps=3,batch=4", "art/ProjectedGradientDescent:max_iter=3"]
)
def test_gradients_that_are_not_finite_are_flagged(attack: str, tmp_path: Path) -> None:
    x = torch.full((12, 1, 4, 4), 0.8)
    x[:, :, 0] = 0.2
    model = Model(Broken(), spec=InputSpec(channels=1), device="cpu")
    data = (x, torch.ones(12, dtype=torch.int64))
    threat = audit(model, data, threats=["linf:0.01"], attacks=[attack], out=tmp_path / "run").report.threats[0]
    (flag,) = (flag for flag in threat.flags if flag.id == "zero-gradients")
    assert flag.weakens
    assert "not finite" in flag.sentence


@pytest.mark.parametrize("attack", ["noise:steps=2", "square:steps=5", "pgd:steps=3", "fab:steps=2"])
def test_what_only_one_majority_saw_leaves_records_that_agree(tmp_path: Path, attack: str) -> None:
    found = run(tmp_path / "run", [attack], share=0.45, eot=3).report
    assert found.threats[0].errors == 0
    assert "successes disagree" not in found.verdict.sentence
