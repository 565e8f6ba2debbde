import pytest
import torch
from torch import Tensor, nn

from robustkit import Model, Threat
from robustkit.build import attack


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


def test_grey_has_no_hue():
    grey = torch.full((1, 3, 2, 2), 0.4)
    result = attack("hue")(Model(Red(), device="cpu"), grey, torch.tensor([0]), Threat.parse("hue:0.5"))
    assert torch.equal(result.x_adv, grey)
    assert not bool(result.success)
