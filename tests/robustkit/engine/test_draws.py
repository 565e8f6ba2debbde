"""Searches on a model that answers differently each time: what counts is a majority of fresh draws."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack
from robustkit.contracts.result import Status


class Coin(nn.Module):
    """Right on the clean image, wrong on any other with some probability, in each draw anew."""

    def __init__(self, wrong):
        super().__init__()
        self.wrong = wrong

    def forward(self, x):
        moved = (x - 0.5).flatten(1).abs().amax(1) > 0
        flips = moved & (torch.rand(len(x)) < self.wrong)
        logits = torch.stack([torch.ones(len(x)), torch.zeros(len(x))], 1) + 0 * x.flatten(1).sum(1, keepdim=True)
        return torch.where(flips[:, None], logits.flip(1), logits)


@pytest.mark.parametrize(("wrong", "success"), [(0.25, False), (0.75, True)])
def test_a_success_on_a_random_model_is_a_majority_of_fresh_draws(wrong, success):
    x, y = torch.full((8, 1, 4, 4), 0.5), torch.zeros(8, dtype=torch.long)
    subject = Model(Coin(wrong), spec=InputSpec(channels=1), device="cpu")
    search = attack("pgd", steps=3, eot=101)
    result = search(subject, x, y, Threat.parse("linf:0.1"))
    assert bool((result.success == success).all())
    # Five questions at least; more where a lucky majority was asked about again.
    forwards, backwards = search.cost(Threat.parse("linf:0.1"), 2)
    assert (forwards, backwards) == (10 * 101, 3 * 101)
    assert bool((result.forwards <= forwards).all())
    of_the_model = attack("pgd", steps=3)(subject.with_draws(101), x, y, Threat.parse("linf:0.1"))
    assert torch.equal(of_the_model.x_adv, result.x_adv)
    assert torch.equal(of_the_model.forwards, result.forwards)


class Slope(nn.Module):
    """Wrong on a draw with a probability that grows with the distance of the pixels from 0.5, up to 0.9; half of it at 0.04."""

    def forward(self, x):
        way = (x - 0.5).flatten(1).mean(1)
        lead = way - 0.04 + 0.04 * (2 * torch.rand(len(x), dtype=x.dtype) - 1)
        return torch.stack([-lead, lead], 1)


def test_a_lucky_majority_does_not_end_the_search():
    x, y = torch.full((40, 1, 3, 3), 0.5), torch.zeros(40, dtype=torch.long)
    subject = Model(Slope(), spec=InputSpec(channels=1), device="cpu")
    search = attack("pgd", steps=20, step_size=0.005, random_start=False, eot=11)
    result = search(subject, x, y, Threat.parse("linf:0.07"))
    # On the way up there are lucky majorities before an image is wrong on most draws; at the end it is on 7 of 8.
    assert int((result.status == Status.UNCONFIRMED).sum()) <= 2
    assert int(result.success.sum()) >= 38


def test_draws_depend_on_the_seed_alone():
    x, y = torch.full((30, 1, 3, 3), 0.5), torch.zeros(30, dtype=torch.long)
    subject = Model(Slope(), spec=InputSpec(channels=1), device="cpu", draws=3)
    results = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        results.append(attack("pgd", steps=5)(subject, x, y, Threat.parse("linf:0.05"), seed=7))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(results[0].x_adv, results[1].x_adv)
    assert torch.equal(results[0].status, results[1].status)
