import pytest
import torch
from torch import nn

from robustkit import Model, Threat, UsageError
from robustkit.attacks.physical.places import Trial, candidate
from robustkit.contracts.result import Status
from robustkit.rendering import PlacementRange, render

X = torch.zeros(12, 1, 10, 12, dtype=torch.float64)
Y = torch.zeros(12, dtype=torch.int64)
THREAT = Threat.parse("patch:10%")  # 3 x 3 pixels


class LeftEdge(nn.Module):
    """Class 1 if any pixel of the first column is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lead = self.gain * (x[..., 0].flatten(1).amax(1) - 0.5)
        return torch.stack([-lead, lead], dim=1)


def white(**given: float) -> Trial:
    return Trial(texture=torch.ones(1, 3, 3, dtype=torch.float64), **given)


def test_placements_are_tried_in_turn_until_one_succeeds(batch_of) -> None:
    batch = batch_of(X, "patch:10%")
    result = white(placements=30)(Model(LeftEdge(), device="cpu"), X, Y, THREAT)
    numbers = torch.arange(30)
    left = torch.stack([candidate(batch, Y + k).center[:, 0] == 1.5 for k in numbers], dim=1)
    first = torch.where(left.any(1), left.int().argmax(1), 30)
    assert 0 < int(left.any(1).sum()) < 12 or bool(left.any(1).all())
    assert torch.equal(result.success, left.any(1))
    tried = torch.where(result.success, first, 29)
    assert torch.equal(result.forwards, torch.where(tried == 29, 31, tried + 3))
    for i, number in enumerate(tried.tolist()):
        place = candidate(batch, Y + number)
        expected, _ = render(X, torch.ones(1, 3, 3, dtype=torch.float64), "square", place, (0.0, 1.0))
        if result.success[i]:
            assert torch.equal(result.x_adv[i], expected[i])


def test_one_placement_costs_the_clean_pass_and_the_verification() -> None:
    model = Model(LeftEdge(), device="cpu")
    result = white()(model, X, Y, THREAT)
    assert result.forwards.tolist() == [2] * 12
    assert model.forwards == 24
    assert torch.equal(result.first_success_step == 0, result.success)
    assert bool((result.status[~result.success] == Status.FAILED).all())
    assert bool((result.x_adv != X).flatten(1).any(1).all())


def test_more_placements_never_lose_a_success() -> None:
    model = Model(LeftEdge(), device="cpu")
    few, many = (white(placements=k)(model, X, Y, THREAT).success for k in (2, 20))
    assert bool((many | ~few).all())
    assert int(many.sum()) > int(few.sum())


def test_a_candidate_depends_on_seed_and_sample_alone(batch_of) -> None:
    whole = candidate(batch_of(X, "patch:10%"), torch.full((12,), 3))
    part = candidate(batch_of(X[:5], "patch:10%"), torch.full((5,), 3))
    assert torch.equal(whole.center[:5], part.center)
    assert not torch.equal(whole.center, candidate(batch_of(X, "patch:10%"), torch.full((12,), 4)).center)
    turned = candidate(batch_of(X, "patch:10%"), torch.full((12,), 3), PlacementRange(rotation=20))
    assert bool((turned.angle != 0).any())


@pytest.mark.parametrize("wrong", [{"placements": 0}, {"scale": 1.5}, {"scale": 0.0}, {"rotation": 200.0}, {"brightness": 1.0}])
def test_placements_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        white(**wrong)
