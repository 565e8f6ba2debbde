"""Suite standard on networks whose minimal perturbations are known in closed form, with two and three classes in every norm."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from robustkit import Model
from robustkit.benchmarks.audit import audit
from robustkit.spec import InputSpec

DUAL = {"linf": 1, "l2": 2, "l1": torch.inf}


class Linear(nn.Module):
    """A linear classifier of 36 pixels."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        weights = torch.randn(classes, 36, generator=torch.Generator().manual_seed(classes))
        self.register_buffer("weights", weights)
        self.register_buffer("bias", -(weights * 0.5).sum(1))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weights.T + self.bias


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_robust_accuracy_of_a_linear_network_is_exact(classes: int, norm: str, tmp_path: Path) -> None:
    net = Linear(classes)
    # Far enough from the bounds that no perturbation within eps leaves the box.
    x = 0.5 + 0.1 * torch.randn(60, 1, 6, 6, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    logits = net(x)
    y = logits.argmax(1)
    gaps = logits.gather(1, y[:, None]) - logits
    directions = net.weights[y][:, None] - net.weights[None]
    distance = (gaps / directions.norm(dim=2, p=DUAL[norm])).nan_to_num(torch.inf).amin(1)
    eps = round(float(distance.median()), 4)
    clear = (distance - eps).abs() > 0.02 * eps
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    threat = audit(model, (x[clear], y[clear]), threats=[f"{norm}:{eps}"], out=tmp_path / "run").report.threats[0]
    assert 0.4 < threat.robust_accuracy.value < 0.6
    assert threat.robust_accuracy.value == pytest.approx(float((distance[clear] > eps).double().mean()))
    assert threat.trusted
