import pytest
import torch

from robustkit import Threat, UsageError
from robustkit.attacks.decision.cgba import CGBA


@pytest.mark.parametrize("reduction", [1, 2])
def test_comes_within_a_percent_of_a_linear_models_boundary(linear_model, linear_data, reduction):
    x, y = linear_data
    closest = 2 * torch.arange(1, 21) / 100
    result = CGBA(steps=300, reduction=reduction)(linear_model, x, y, Threat.parse("l2:0.001"))
    assert (result.nearest_distance >= closest - 1e-6).all()
    assert (result.nearest_distance <= 1.01 * closest + 1e-4).all()


def test_success_only_within_eps(linear_model, linear_data):
    x, y = linear_data
    result = CGBA(steps=200)(linear_model, x, y, Threat.parse("l2:0.21"))
    assert result.success.tolist() == [True] * 10 + [False] * 10


def test_more_frequencies_than_pixels_are_refused():
    with pytest.raises(UsageError, match="reduction=0 must be at least 1"):
        CGBA(reduction=0)
