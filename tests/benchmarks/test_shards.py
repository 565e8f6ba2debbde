"""What a shard's records say: an attack's own claim shows no membership, and all agree on which image was the clean one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from robustkit import InputSpec, Model, registry
from robustkit.benchmarks.audit import audit
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.contracts.result import AttackResult, Status
from robustkit.engine.stepping import State
from robustkit.errors import ExitCode
from robustkit.iterative import IterativeAttack
from robustkit.threats import SpatialThreat

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


def test_what_a_found_rotation_was_rendered_from_is_kept(tmp_path: Path) -> None:
    class Corner(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x[:, 0, 0, 0], torch.full_like(x[:, 0, 0, 0], 0.3)], dim=1)

    x, y = torch.full((6, 1, 9, 9), 0.5), torch.zeros(6, dtype=torch.int64)
    model = Model(Corner(), spec=InputSpec(channels=1), device="cpu")
    run = audit(model, (x, y), threats=["spatial:30"], attacks=["rotation-translation"], out=tmp_path / "run")
    assert run.report.threats[0].robust_accuracy.value == 0.0
    (path,) = (tmp_path / "run" / "adversarial").rglob("*.safetensors")
    kept = load_file(path)
    threat = SpatialThreat(size=30)
    assert threat.contains(kept["x"], kept["x_adv"], (0.0, 1.0), kept["witness"]).all()


def test_pixels_that_rounding_left_outside_the_box_are_put_on_it_once(tmp_path: Path) -> None:
    class First(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = x[:, 0, 0, 0] - 0.5
            return torch.stack([-score, score], dim=1)

    inside = torch.ones(8, 1, 6, 6)
    outside = torch.nextafter(inside, torch.tensor(2.0))
    outside[:, :, 0, 0] = inside[:, :, 0, 0] = 0.9
    y = torch.ones(8, dtype=torch.int64)
    model = Model(First(), spec=InputSpec(channels=1), device="cpu")
    values = []
    for name, x in (("inside", inside), ("outside", outside)):
        run = audit(model, (x, y), threats=["l0:2"], attacks=["sigma-zero:steps=20"], out=tmp_path / name)
        values.append(run.report.threats[0].robust_accuracy.value)
        (path,) = (tmp_path / name / "adversarial").rglob("*.safetensors")
        assert float(load_file(path)["x"].max()) == 1.0
    assert values == [0.0, 0.0]
