"""Eps grows during the first part of the training."""

from dataclasses import replace

import pytest

from robustkit.build import recipe
from robustkit.errors import UsageError
from robustkit.threats import Threat


@pytest.mark.parametrize(
    ("progress", "eps"), [(0.0, 0.2 * 1e-3 / 0.4), (0.1, 0.05), (0.2, 0.1), (0.4, 0.2), (0.7, 0.2), (1.0, 0.2)]
)
def test_eps_is_proportional_and_then_full(watched, progress, eps):
    batch = replace(watched("linf:0.2").batch, progress=progress)
    assert recipe("pgd:warmup=0.4").warmed(batch).threat.eps == pytest.approx(eps)


def test_without_warm_up_the_batch_stays(watched):
    batch = replace(watched("linf:0.2").batch, progress=0.0)
    assert recipe("pgd").warmed(batch) is batch


def test_the_shortest_warm_up_does_not_start_beyond_the_full_eps(watched):
    batch = replace(watched("linf:0.2").batch, progress=0.0)
    assert recipe("pgd:warmup=0.0001").warmed(batch).threat.eps == 0.2


def test_training_attacks_within_the_eps_of_the_moment(watched):
    made = watched("linf:0.2")
    made.batch = replace(made.batch, progress=0.1)
    images = made.step(recipe("pgd:steps=2,warmup=0.4"))
    assert 0 < (images - made.batch.x).abs().max() <= 0.05 + 1e-6


@pytest.mark.parametrize("value", ["-0.1", "1", "nan"])
def test_a_share_is_below_one(value):
    with pytest.raises(UsageError, match=r"warmup=.* must be at least 0 and below 1"):
        recipe(f"trades:warmup={value}")


def test_a_threat_without_eps_cannot_grow():
    with pytest.raises(UsageError, match="needs a threat with an eps"):
        recipe("pgd:attack=stadv,warmup=0.5").check(Threat.parse("flow:1"))
