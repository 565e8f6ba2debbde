import pytest
import torch
from torch import Tensor, nn

from robustkit import Model, Threat
from robustkit.attacks.natural.rotation_translation import grid
from robustkit.build import attack
from robustkit.spec import InputSpec


def test_the_papers_grid():
    points = grid(775, True)
    assert len(points) == len(set(points)) == 774  # all but the identity
    assert len({rotation for rotation, _, _ in points}) == 31
    assert len({right for _, right, _ in points}) == 5
    assert set(points[:8]) == {(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)}
    assert all(abs(part) <= 1 for point in points for part in point)


@pytest.mark.parametrize("points", [2, 3, 7, 50, 100, 1000])
@pytest.mark.parametrize("translating", [True, False])
def test_other_grids_have_at_most_as_many_points(points, translating):
    found = grid(points, translating)
    assert 0 < len(found) <= points
    assert (0, 0, 0) not in found
    assert translating or all(right == down == 0 for _, right, down in found)


class Corner(nn.Module):
    """Class 1 while the upper left corner is bright."""

    def forward(self, x: Tensor) -> Tensor:
        light = x[:, :, :2, :2].flatten(1).sum(1) - 0.5
        return torch.stack([-light, light], dim=1)


@pytest.fixture
def model():
    return Model(Corner(), spec=InputSpec(channels=1), device="cpu")


@pytest.fixture
def lit():
    x = torch.zeros(3, 1, 20, 20)
    x[:, :, 0, 0] = 1
    return x


@pytest.mark.parametrize("search", ["grid", "random"])
def test_light_is_rotated_out_of_the_corner(model, lit, search):
    # The corner is 13.4 pixels from the middle: 2 pixels are 8.5 degrees.
    y = torch.ones(3, dtype=torch.int64)
    found = attack("rotation-translation", search=search, steps=30)(model, lit, y, Threat.parse("spatial:30"))
    assert bool(found.success.all())
    assert not bool(
        attack("rotation-translation", search=search, steps=30)(model, lit, y, Threat.parse("spatial:2")).success.any()
    )


def test_light_is_translated_out_of_the_corner(model, lit):
    y = torch.ones(3, dtype=torch.int64)
    found = attack("rotation-translation")(model, lit, y, Threat.parse("spatial:0.1,translate=20%"))
    assert bool(found.success.all())


def test_costs(model):
    x, y = torch.ones(2, 1, 20, 20), torch.ones(2, dtype=torch.int64)
    threat = Threat.parse("spatial:5,translate=5%")
    for search, points in (("random", 10), ("grid", len(grid(10, True)))):
        tried = attack("rotation-translation", search=search, steps=9)
        assert tried.cost(threat, 2) == (points + 1, 0)
        assert tried(model, x, y, threat).forwards.tolist() == [points + 1] * 2


def test_random_draws_differ_by_sample(model):
    x, y = torch.ones(2, 1, 20, 20), torch.ones(2, dtype=torch.int64)
    made = attack("rotation-translation", search="random", steps=9)(model, x, y, Threat.parse("spatial:5"))
    assert not torch.equal(made.x_adv[0], made.x_adv[1])
