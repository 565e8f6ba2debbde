"""Each proximal operator against nearby and scaled candidates."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from robustkit.attacks.minimum_norm.prox import PROX
from robustkit.threats import norm_of


def objective(norm, z, v, weight):
    size = z.flatten(1).abs().pow(2 / 3).sum(1) if norm == "l0" else norm_of(z, norm)
    return weight * size + (z - v).flatten(1).square().sum(1) / 2


@pytest.mark.parametrize("norm", ["linf", "l2", "l1", "l0"])
@given(seed=st.integers(0, 10**6), weight=st.floats(1e-4, 2))
@settings(max_examples=25, deadline=None)
def test_nothing_near_or_on_the_ray_is_better(norm, seed, weight):
    numbers = torch.Generator().manual_seed(seed)
    v = torch.randn(1, 1, 2, 3, generator=numbers, dtype=torch.float64)
    w = torch.tensor([weight], dtype=torch.float64)
    z = PROX[norm](v, w)
    best = objective(norm, z, v, w)
    scale = torch.tensor([1e-4, 1e-2, 0.3, 1.0], dtype=torch.float64)[torch.arange(400) % 4, None, None, None]
    others = torch.cat(
        [
            z + scale * torch.randn(400, 1, 2, 3, generator=numbers, dtype=torch.float64),
            v * torch.linspace(0, 1.2, 50, dtype=torch.float64)[:, None, None, None],
            torch.zeros_like(v),
        ]
    )
    assert bool((objective(norm, others, v, w) >= best - 1e-12).all())


@given(v=st.floats(-3, 3), weight=st.floats(1e-3, 2))
@settings(max_examples=50, deadline=None)
def test_two_thirds_is_the_global_minimum(v, weight):
    z = float(PROX["l0"](torch.full((1, 1, 1, 1), v, dtype=torch.float64), torch.tensor([weight], dtype=torch.float64)))

    def value(z):
        return weight * abs(z) ** (2 / 3) + (z - v) ** 2 / 2

    inner = (
        minimize_scalar(value, bounds=(min(v / 4, v), max(v / 4, v)), method="bounded", options={"xatol": 1e-10}).fun
        if v
        else 0
    )
    assert value(z) <= min(value(0), inner) + 1e-9


def test_linf_cuts_to_one_level():
    v = torch.tensor([3.0, -2.0, 0.5, 1.0])[None, :, None, None]
    assert torch.allclose(PROX["linf"](v, torch.tensor([2.0])).flatten(), torch.tensor([1.5, -1.5, 0.5, 1.0]))
    assert bool((PROX["linf"](v, torch.tensor([7.0])) == 0).all())
