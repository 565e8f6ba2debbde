"""The images kept beside records: failing inputs, and the best efforts that came nearest."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from robustkit import InputSpec, Model
from robustkit.benchmarks.audit import audit
from robustkit.benchmarks.running.contradictions import NEAREST, digest_of_file
from robustkit.benchmarks.running.kept import save_kept, worth_keeping
from robustkit.threats import SpatialThreat


def test_failing_inputs_and_the_nearest_best_efforts_are_kept(tmp_path: Path) -> None:
    verified = torch.arange(10) % 5 == 0
    found = {"sample_id": torch.arange(10), "x": torch.rand(10, 1, 2, 2), "verified": verified}
    kept = worth_keeping(found, torch.arange(10.0).flip(0))
    assert NEAREST == 4
    assert kept["sample_id"].tolist() == [0, 5, 6, 7, 8, 9]
    assert torch.equal(kept["x"], found["x"][kept["sample_id"]])
    path = tmp_path / "kept.safetensors"
    assert save_kept(path, kept) == digest_of_file(path)
    assert load_file(path)["verified"].tolist() == [True, True, False, False, False, False]


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
