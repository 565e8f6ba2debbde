"""A threat that adds a number to every pixel, from 0 to its size, and does not let it be read back."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from robustkit.errors import AttackError, UsageError
from robustkit.threats.rendered import RenderedThreat

BOUNDS = (0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Lighter(RenderedThreat):
    kind: ClassVar[str] = "mine/lighter"
    examples: ClassVar[tuple[str, ...]] = ("mine/lighter:0.1",)
    largest: ClassVar[float] = 0.5
    unit: ClassVar[str] = "a share of the span"

    def limits(self, x):
        return torch.zeros(1).double(), torch.full((1,), self.size).double()

    def transform(self, x, parameters, bounds):
        return (x + parameters[:, 0, None, None, None].to(x)).clamp(*bounds)


X = 0.4 * torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_text_is_kept_as_it_was_written():
    threat = Lighter.from_text("mine/lighter", "1/4", {"goal": "targeted"})
    assert (threat.size, threat.budget, threat.id) == (0.25, "mine/lighter:1/4", "mine/lighter:1/4,targeted")
    assert Lighter(size=0.25).budget == "mine/lighter:0.25"


@pytest.mark.parametrize("size", [0.0, -0.1, 0.6, float("nan")])
def test_a_size_beyond_what_makes_a_difference_is_refused(size):
    with pytest.raises(UsageError, match=r"of a mine/lighter threat must be above 0 and at most 0\.5, a share of the span"):
        Lighter(size=size)


def test_a_size_needs_no_largest():
    class Boundless(Lighter):
        largest = RenderedThreat.largest

    assert Boundless(size=1e9).size == 1e9
    with pytest.raises(UsageError, match="must be above 0"):
        Boundless(size=-1)


def test_membership_needs_parameters_in_range_that_lead_to_the_very_image():
    threat, witness = Lighter(size=0.2), torch.tensor([[0.2], [0.1], [0.2]]).double()
    x_adv = threat.transform(X, witness, BOUNDS)
    assert threat.contains(X, x_adv, BOUNDS, witness).all()
    assert threat.contains(X, x_adv, BOUNDS, witness.float() * torch.tensor([0.99])).tolist() == [False] * 3
    beyond = torch.tensor([[0.3], [-0.1], [torch.nan]]).double()
    assert not threat.contains(X, threat.transform(X, beyond, BOUNDS), BOUNDS, beyond).any()
    with pytest.raises(AttackError, match=r"witness has shape \(3, 2\); expected \(3, 1\)"):
        threat.contains(X, x_adv, BOUNDS, torch.zeros(3, 2))


def test_without_a_witness_only_the_clean_image_counts():
    threat = Lighter(size=0.2)
    x_adv = X.clone()
    x_adv[1] += 0.1
    assert threat.contains(X, x_adv, BOUNDS).tolist() == [True, False, True]
    assert threat.contains(X, x_adv, BOUNDS, torch.full((3, 1), 9.0)).tolist() == [True, False, True]
    assert threat.plausible(X, x_adv, BOUNDS).all()
    assert not threat.plausible(X, x_adv + 1, BOUNDS).any()


def test_the_distance_is_the_size_where_pixels_do_not_tell():
    assert Lighter(size=0.2).distance(X, X).tolist() == [0.2] * 3
