import pytest
import torch
from torch import Tensor, nn

from robustkit import Model, Threat, UsageError
from robustkit.build import attack


class Light(nn.Module):
    """Class 0 until the image's mean exceeds 0.5."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1) - 0.5
        return torch.stack([-mean, mean], dim=1)


@pytest.fixture
def model():
    return Model(Light(), device="cpu")


@pytest.fixture
def x():
    return torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(0)) * 0.8


def test_brightness_is_tried(model, x):
    y = torch.zeros(2, dtype=torch.int64)
    assert bool(attack("corruption")(model, x, y, Threat.parse("corruption:5")).success.all())
    alone = attack("corruption")(model, x, y, Threat.parse("corruption:5,kinds=brightness"))
    assert bool(alone.success.all())
    assert alone.first_success_step.tolist() == [0, 0]
    assert not bool(attack("corruption")(model, x, y, Threat.parse("corruption:5,kinds=gaussian_blur+pixelate")).success.any())


def test_one_query_for_every_corruption(model, x):
    y = torch.zeros(2, dtype=torch.int64)
    for draws in (1, 3):
        result = attack("corruption", draws=draws)(
            model, x, y, Threat.parse("corruption:1,kinds=contrast+pixelate+defocus_blur")
        )
        assert result.forwards.tolist() == [1 + 3 * draws] * 2


def test_no_draws_are_refused():
    with pytest.raises(UsageError, match="draws=0"):
        attack("corruption", draws=0)
