"""The projection onto a hyperplane inside a box against linear programming and bisection."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from robustkit.attacks.minimum_norm.hyperplane import to_hyperplane


def shortest(point, normal, gap, norm, low, high):
    """The minimal length of a `d` with ``normal @ d = gap`` inside the box; None if there is none."""
    n = len(point)
    if norm == "l2":  # d = clip(t * normal), and normal @ d grows with t
        left, right = -1e6, 1e6
        for _ in range(200):
            t = (left + right) / 2
            d = np.clip(t * normal, low - point, high - point)
            left, right = (t, right) if normal @ d < gap else (left, t)
        return float(np.sqrt(np.square(d).sum())) if abs(normal @ d - gap) < 1e-9 else None
    signed = np.concatenate([normal, -normal])  # d = up - down
    if norm == "l1":
        cost, limits, most = np.ones(2 * n), None, None
        walls = [(0, w) for w in np.concatenate([high - point, point - low])]
    else:
        cost = np.concatenate([np.zeros(2 * n), [1]])
        signed = np.append(signed, 0)
        limits = np.hstack([np.eye(2 * n), -np.ones((2 * n, 1))])
        most = np.zeros(2 * n)
        walls = [(0, w) for w in np.concatenate([high - point, point - low])] + [(0, None)]
    answer = linprog(cost, A_ub=limits, b_ub=most, A_eq=signed[None], b_eq=[gap], bounds=walls)
    return answer.fun if answer.status == 0 else None


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 7), st.floats(-1.5, 1.5))
def test_the_projection_is_the_shortest(norm, seed, n, share):
    numbers = np.random.default_rng(seed)
    low, high = -0.5, 1.5
    point = numbers.uniform(low, high, n)
    point[numbers.random(n) < 0.3] = high
    normal = numbers.normal(size=n) * (numbers.random(n) > 0.2)
    room = np.where(share * normal > 0, high - point, point - low)
    gap = share * float((np.abs(normal) * room).sum())
    row = [torch.tensor(v, dtype=torch.float64)[None] for v in (point, normal, gap)]
    d = to_hyperplane(*row, norm, (low, high))[0].numpy()
    assert ((point + d >= low - 1e-12) & (point + d <= high + 1e-12)).all()
    if abs(share) > 1 + 1e-6:
        np.testing.assert_allclose(np.abs(d), room * (normal != 0), atol=1e-12)
    elif abs(share) < 1 - 1e-6:
        assert normal @ d == pytest.approx(gap, abs=1e-9)
        length = {"linf": np.abs(d).max(), "l2": np.sqrt(np.square(d).sum()), "l1": np.abs(d).sum()}[norm]
        assert length == pytest.approx(shortest(point, normal, gap, norm, low, high), abs=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_flat_boundary_moves_nothing(norm):
    point = torch.rand(2, 5)
    d = to_hyperplane(point, torch.zeros(2, 5), torch.tensor([1.0, -1.0]), norm, (0.0, 1.0))
    assert torch.equal(d, torch.zeros(2, 5))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_gap_that_needs_the_whole_box_is_closed_despite_rounding(norm):
    random = torch.Generator().manual_seed(0)
    point, normal = torch.rand(64, 30, generator=random), torch.randn(64, 30, generator=random)
    gap = (normal.abs() * torch.where(normal > 0, 1 - point, point)).sum(1)
    d = to_hyperplane(point, normal, gap, norm, (0.0, 1.0))
    torch.testing.assert_close((normal * d).sum(1), gap, rtol=1e-5, atol=0)
