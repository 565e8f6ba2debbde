"""What the engine does for an attack that looks for the nearest adversarial image."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from robustkit.conformance.attack import check_attack
from robustkit.contracts.attack import AttackInfo
from robustkit.contracts.result import Status
from robustkit.engine.stepping import State
from robustkit.errors import UsageError
from robustkit.iterative import MinimumNormAttack
from robustkit.threats import Threat


@dataclass(kw_only=True)
class Away(State):
    direction: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class Walk(MinimumNormAttack[Away]):
    """Leaves the image along the first gradient, overshoots, and comes back step by step."""

    steps: int = 8
    info: ClassVar[AttackInfo] = AttackInfo(
        name="walk", threats=("linf", "l2", "l1"), knowledge="white-box", targeted=True, cost="", paper=""
    )

    def start(self, batch):
        return Away(x_adv=batch.x, direction=torch.zeros_like(batch.x))

    def step(self, batch, state, response):
        first = (response.step == 0).reshape(-1, 1, 1, 1)
        direction = torch.where(first, response.grad.sign(), state.direction)
        length = 0.9 ** (response.step.to(batch.x.dtype)).reshape(-1, 1, 1, 1)
        return Away(x_adv=(batch.x + length * direction).clamp(*batch.bounds), direction=direction)


def test_it_keeps_the_contract():
    assert [str(finding) for finding in check_attack(Walk(), classes=(3,))] == []
    assert [str(finding) for finding in check_attack(Walk(stop_at_eps=True), classes=(3,))] == []


def test_the_nearest_of_all_queries_is_reported_whatever_eps(linear_model, linear_data):
    x, y = linear_data
    far, near = (Walk(steps=20)(linear_model, x, y, Threat.parse(text)) for text in ("linf:1", "linf:0.0001"))
    assert torch.equal(far.nearest_distance, near.nearest_distance)
    assert torch.equal(far.nearest, near.nearest)
    known = far.nearest_distance.isfinite() & (far.status != Status.MISCLASSIFIED)
    assert bool(known.any())
    assert bool((linear_model.logits(far.nearest[known]).argmax(1) != y[known]).all())
    assert torch.equal(far.nearest_distance[known], (far.nearest - x)[known].flatten(1).abs().amax(1))
    assert torch.equal(far.success, known)
    assert not bool(near.success.any())
    assert bool(Threat.parse("linf:0.0001").contains(x, near.x_adv, linear_model.bounds).all())


def test_a_verdict_stops_at_the_first_image_within_eps(linear_model, linear_data):
    x, y = linear_data
    threat = Threat.parse("linf:1")
    verdict, search = (Walk(steps=20, stop_at_eps=stop)(linear_model, x, y, threat) for stop in (True, False))
    assert torch.equal(verdict.success, search.success)
    assert int(verdict.forwards.sum()) < int(search.forwards.sum())
    assert bool((verdict.nearest_distance >= search.nearest_distance).all())


def test_a_query_budget_is_kept_and_one_too_small_refused(linear_model, linear_data):
    x, y = linear_data
    result = Walk(steps=20)(linear_model, x, y, Threat.parse("linf:0.0001,queries=9"))
    assert int(result.forwards.max()) == 9
    with pytest.raises(
        UsageError, match=r"queries=3 of threat 'linf:0\.1,queries=3' is below the minimum of 4 for attack 'walk'"
    ):
        Walk()(linear_model, x, y, Threat.parse("linf:0.1,queries=3"))


def test_knowledge_that_the_threat_does_not_grant(linear_model, linear_data):
    x, y = linear_data
    with pytest.raises(
        UsageError, match=r"needs white-box knowledge, but threat 'linf:0\.1,knowledge=score' grants score only"
    ):
        Walk()(linear_model, x, y, Threat.parse("linf:0.1,knowledge=score"))
