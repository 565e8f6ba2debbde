import pytest
import torch

from robustkit import Threat
from robustkit.attacks.decision.hopskipjump import HopSkipJump


@pytest.mark.parametrize(("norm", "side"), [("l2", 2), ("linf", 1)])
def test_comes_within_a_percent_of_a_linear_models_boundary(linear_model, linear_data, norm, side):
    x, y = linear_data
    closest = side * torch.arange(1, 21) / 100
    result = HopSkipJump(steps=800, initial_queries=10)(linear_model, x, y, Threat.parse(f"{norm}:0.001"))
    assert (result.nearest_distance >= closest - 1e-6).all()
    assert (result.nearest_distance <= 1.01 * closest + 1e-4).all()


def test_success_only_within_eps(linear_model, linear_data):
    x, y = linear_data
    result = HopSkipJump(steps=400, initial_queries=10)(linear_model, x, y, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
