"""Attacks on the parameters that an image is rendered from."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat, UsageError, attack
from robustkit.contracts.samples import Samples
from robustkit.perturb import perturb


class Bright(nn.Module):
    """Class 1 if the mean is above a half."""

    def forward(self, x):
        lead = x.flatten(1).mean(1) - 0.5
        return torch.stack([-lead, lead], dim=1)


@pytest.fixture
def model():
    return Model(Bright(), spec=InputSpec(channels=1), device="cpu")


def grey(*levels):
    return torch.tensor(levels, dtype=torch.float64)[:, None, None, None].expand(-1, 1, 4, 4).contiguous()


def test_the_least_offset_that_reaches_the_boundary_is_found_to_a_step(model):
    """A uniform image of level v changes class under an offset above v - 1/2, and only then."""
    x, y = grey(0.52, 0.56, 0.61, 0.7), torch.ones(4, dtype=torch.int64)
    result = attack("recolor")(model, x, y, Threat.parse("recolor:0.1"))
    assert result.success.tolist() == [True, True, False, False]
    # A step is a hundredth: the first offset that is at least 0.02 or 0.06 succeeds, at the boundary the first class wins.
    assert ((result.x_adv[:2].flatten(1).mean(1) - 0.495).abs() <= 0.005 + 1e-9).all()
    assert result.witness.shape == (4, 6)
    torch.testing.assert_close(result.x_adv[2:], x[2:] - 0.1)


def test_restarts_begin_at_random_and_cost_what_is_said(model):
    x, y = grey(0.9, 0.8), torch.ones(2, dtype=torch.int64)
    built = attack("recolor", steps=3, restarts=4)
    threat = Threat.parse("recolor:0.1")
    result = built(model, x, y, threat)
    assert not result.success.any()
    assert result.forwards.tolist() == [built.cost(threat, 2)[0]] * 2 == [17, 17]
    assert result.backwards.tolist() == [12, 12]


def test_training_gets_the_image_of_the_last_parameters(model):
    x = grey(0.7)
    ids = torch.zeros(1, dtype=torch.int64)
    moved = perturb(attack("recolor", steps=20), model, Samples(x, ids + 1, ids), Threat.parse("recolor:0.1"))
    torch.testing.assert_close(moved, x - 0.1)


@pytest.mark.parametrize(("settings", "says"), [({"step_size": 0.0}, "above 0"), ({"restarts": 0}, "at least 1")])
def test_numbers_out_of_range(settings, says):
    with pytest.raises(UsageError, match=says):
        attack("recolor", **settings)
