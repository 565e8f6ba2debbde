"""What an attack claims is checked: its own claim shows no membership."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from robustkit import Model, registry
from robustkit.benchmarks.audit import audit
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.contracts.result import AttackResult, Status
from robustkit.engine.stepping import State
from robustkit.errors import ExitCode
from robustkit.iterative import IterativeAttack

INFO = AttackInfo(name="forger", threats=("spatial",), knowledge="decision", targeted=False, cost="2", paper="none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoiseAsRotation(Attack):
    """Hands over noise, with the parameters of a real rotation if it is asked to."""

    witnessed: bool
    info: ClassVar[AttackInfo] = INFO

    def run(self, model: Model, samples: Any, threat: Any, seed: int) -> AttackResult:
        ones = torch.ones_like(samples.y)
        noise = torch.zeros_like(samples.x)
        return AttackResult(
            x_adv=noise,
            success=ones.bool(),
            distance=threat.distance(samples.x, noise),
            forwards=2 * ones,
            backwards=0 * ones,
            first_success_step=0 * ones,
            status=ones * int(Status.FOUND),
            reported=ones.bool(),
            logits=model.logits(noise),
            zero_gradients=0 * ones,
            witness=torch.ones(len(ones), 3) if self.witnessed else None,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoiseStepByStep(IterativeAttack[State]):
    steps: int = 1
    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = INFO

    def start(self, batch: Any) -> State:
        return State(x_adv=torch.zeros_like(batch.x))

    def step(self, batch: Any, state: State, response: Any) -> State:
        return state


STRANGERS = {
    "forger": NoiseAsRotation(witnessed=False),
    "forger-with-papers": NoiseAsRotation(witnessed=True),
    "iterative-forger": NoiseStepByStep(),
}


@pytest.fixture
def _strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    original = registry.build
    monkeypatch.setattr(registry, "build", lambda group, name, params: STRANGERS.get(name) or original(group, name, params))


@pytest.mark.usefixtures("_strangers")
@pytest.mark.parametrize("name", STRANGERS)
def test_noise_is_no_rotation(name: str, linear_model: Model, linear_data: Any, tmp_path: Path) -> None:
    found = audit(linear_model, linear_data, threats=["spatial:1"], attacks=[name], out=tmp_path / "run").report
    assert found.threats[0].robust_accuracy.value == 1.0
    assert found.threats[0].attacks[0].unconfirmed == 20
    assert found.exit_code == ExitCode.UNTRUSTED
