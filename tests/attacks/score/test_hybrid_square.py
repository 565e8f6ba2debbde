"""Square search from a gradient attack's images: what it finds where the gradient is blind, and what it costs."""

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.threats import Threat

THREAT = Threat.parse("linf:0.1")


class HalfBlind(nn.Module):
    """Two logits that measure brightness; the second half of the pixels gives no gradient."""

    def forward(self, x):
        seen, unseen = x.flatten(1).split(x[0].numel() // 2, 1)
        score = seen.sum(1) + unseen.detach().sum(1) - 0.5 * x[0].numel() + 2.4
        return torch.stack([-score, score], 1)


def half_blind():
    return Model(HalfBlind(), spec=InputSpec(channels=1), device="cpu")


def test_random_search_completes_what_the_gradient_cannot_see():
    x, y = torch.full((3, 1, 6, 6), 0.5), torch.ones(3, dtype=torch.int64)
    model = half_blind()
    climbed = attack("pma", steps=20)(model, x, y, THREAT)
    assert not climbed.success.any()
    result = attack("hybrid-square", steps=300)(model, x, y, THREAT)
    assert result.success.all()
    assert torch.equal(result.backwards, climbed.backwards)
    assert bool((result.forwards <= climbed.forwards + 302).all())
    assert torch.equal(model.logits(result.x_adv).argmax(1), torch.zeros(3, dtype=torch.int64))


def test_the_starts_successes_are_kept_and_cost_no_search():
    x = torch.tensor([0.49, 0.5]).reshape(2, 1, 1, 1).expand(2, 1, 6, 6).contiguous()
    y = torch.ones(2, dtype=torch.int64)
    easy = Threat.parse("linf:0.137")  # reaches the first image by the seen half alone
    alone = attack("pma", steps=20)(half_blind(), x, y, easy)
    assert alone.success.tolist() == [True, False]
    both = attack("hybrid-square", steps=200)(half_blind(), x, y, easy)
    assert both.success.tolist() == [True, True]
    assert both.forwards[0] == alone.forwards[0]
    assert torch.equal(both.x_adv[0], alone.x_adv[0])


def test_a_sample_alone_gives_what_it_gives_among_others():
    x = torch.rand((4, 1, 6, 6), generator=torch.Generator().manual_seed(0)) * 0.1 + 0.5
    y = torch.ones(4, dtype=torch.int64)
    together = attack("hybrid-square", steps=60)(half_blind(), x, y, THREAT)
    alone = attack("hybrid-square", steps=60)(half_blind(), x[2:3], y[2:3], THREAT, sample_ids=torch.tensor([2]))
    assert torch.equal(together.x_adv[2], alone.x_adv[0])


def test_wrong_parameters():
    with pytest.raises(UsageError, match=r"p_init=2"):
        attack("hybrid-square", p_init=2)


def test_start_and_search_share_the_query_budget():
    x, y = torch.full((3, 1, 6, 6), 0.5), torch.ones(3, dtype=torch.int64)
    for queries in (10, 30, 60):
        result = attack("hybrid-square")(half_blind(), x, y, Threat.parse(f"linf:0.05,queries={queries}"))
        assert bool((result.forwards <= queries).all())
    assert int(result.forwards.min()) > 50
