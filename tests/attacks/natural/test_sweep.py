import pytest
import torch
from torch import Tensor, nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack


class Mean(nn.Module):
    """Class 1 if the image's mean is above `threshold`; counts every mean it was asked about."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        self.seen += mean.tolist()
        return torch.stack([self.threshold - mean, mean - self.threshold], dim=1)


def run(name, threshold, x, y, threat, **params):
    net = Mean(threshold)
    model = Model(net, spec=InputSpec(channels=x.shape[1]), device="cpu")
    return attack(name, **params)(model, x, torch.tensor([y]), Threat.parse(threat)), net.seen


def test_brightness_tries_the_ends_first_then_inwards():
    x = torch.full((1, 1, 2, 2), 0.5)
    result, seen = run("brightness", 0.1, x, 1, "brightness:0.3", steps=5)
    assert seen == pytest.approx([0.5, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6])
    assert not bool(result.success)
    assert int(result.forwards) == 7
    assert float(result.x_adv[0, 0, 0, 0]) == pytest.approx(0.2)  # the best effort


def test_a_change_as_large_as_the_threat_is_enough_and_a_smaller_one_is_not():
    x = torch.full((1, 1, 2, 2), 0.5)
    assert bool(run("brightness", 0.21, x, 1, "brightness:0.3")[0].success)
    assert not bool(run("brightness", 0.21, x, 1, "brightness:0.28")[0].success)
    result, _ = run("brightness", 0.79, x, 0, "brightness:0.3")
    assert bool(result.success)
    assert float(result.distance) == pytest.approx(0.3)
    assert int(result.first_success_step) == 1


def test_contrast_draws_towards_grey_or_away():
    x = torch.full((1, 1, 2, 2), 0.8)
    assert bool(run("contrast", 0.7, x, 1, "contrast:0.5")[0].success)  # 0.65
    assert bool(run("contrast", 0.9, x, 0, "contrast:0.5")[0].success)  # 0.95
    assert not bool(run("contrast", 0.6, x, 1, "contrast:0.5")[0].success)


class Red(nn.Module):
    """Class 1 if there is more red than green."""

    def forward(self, x: Tensor) -> Tensor:
        lead = (x[:, 0] - x[:, 1]).flatten(1).mean(1)
        return torch.stack([-lead, lead], dim=1)


def test_hue_turns_red_to_green():
    red = torch.tensor([1.0, 0.2, 0.0])[None, :, None, None].expand(1, 3, 2, 2).contiguous()
    model = Model(Red(), device="cpu")
    result = attack("hue")(model, red, torch.tensor([1]), Threat.parse("hue:0.2"))
    assert bool(result.success)
    assert float(result.distance) == pytest.approx(0.2, abs=1e-5)
    assert not bool(attack("hue")(model, red, torch.tensor([1]), Threat.parse("hue:0.1")).success)
