"""Random parameters of a rendered threat."""

import torch

from robustkit import InputSpec, Model, Threat, attack
from tests.conftest import Linear

THREAT = Threat.parse("brightness:0.2")


def model():
    return Model(Linear(), spec=InputSpec(channels=1), device="cpu")


def test_draws_are_uniform_over_the_whole_range():
    """A grey image of 0.6 is misclassified for offsets below -0.1: a quarter of all draws."""
    x = torch.full((400, 1, 2, 2), 0.6, dtype=torch.float64)
    y = torch.ones(400, dtype=torch.int64)
    found = attack("random-parameters", steps=1)(model(), x, y, THREAT)
    # Two draws fail for (3/4)^2 of them: the success rate is 0.4375, within 4 standard errors of 0.025.
    assert abs(float(found.success.double().mean()) - 0.4375) < 0.1
    assert float(found.witness.abs().max()) <= 0.2
    assert THREAT.contains(x, found.x_adv, (0.0, 1.0), found.witness).all()


def test_failures_cost_the_stated_passes():
    x, y = torch.full((3, 1, 2, 2), 0.8, dtype=torch.float64), torch.ones(3, dtype=torch.int64)
    result = attack("random-parameters")(model(), x, y, THREAT)
    assert not result.success.any()
    assert result.forwards.tolist() == [11] * 3
    assert result.backwards.tolist() == [0] * 3
