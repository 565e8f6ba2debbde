import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from robustkit.projections import PROJECTIONS, clip, project_l0, project_l1, project_l2, project_linf
from robustkit.threats.norm import NormThreat, norm_of

BOX = (0.0, 1.0)
pixels = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0, 1, width=32))
points = st.floats(-2, 3, width=32)


@st.composite
def problems(draw, most=6):
    n = draw(st.integers(1, most))
    x = torch.tensor([draw(st.lists(pixels, min_size=n, max_size=n))], dtype=torch.float64)
    z = torch.tensor([draw(st.lists(points, min_size=n, max_size=n))], dtype=torch.float64)
    return x, z, draw(st.floats(0.01, 3))


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(["l1", "l2"]))
def test_no_feasible_point_is_nearer(problem, norm):
    """The variational inequality of a projection onto a convex set, against the set's own extreme directions."""
    x, z, eps = problem
    p = PROJECTIONS[norm](x, z, eps, BOX)
    assert norm_of(p - x, norm) <= eps * (1 + 1e-9) + 1e-12
    assert p.min() >= 0
    assert p.max() <= 1
    numbers = torch.Generator().manual_seed(0)
    others = x + (torch.rand((200, x.shape[1]), generator=numbers, dtype=torch.float64) * 2 - 1) * eps
    others = PROJECTIONS[norm](x.expand_as(others), others, eps, BOX)
    corners = torch.cat([x.clamp(0, 1), others])
    assert bool((((z - p) * (corners - p)).sum(1) <= 1e-9).all())


@settings(max_examples=15, deadline=None)
@given(problems(4))
def test_l2_against_scipy(problem):
    x, z, eps = problem
    p = project_l2(x, z, eps, BOX)[0].numpy()
    x_, z_ = x[0].numpy(), z[0].numpy()
    solved = minimize(
        lambda v: ((v - z_) ** 2).sum(),
        x_,
        bounds=[BOX] * len(x_),
        constraints={"type": "ineq", "fun": lambda v: eps**2 - ((v - x_) ** 2).sum()},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    assert ((p - z_) ** 2).sum() <= solved.fun + 1e-6


@settings(max_examples=15, deadline=None)
@given(problems(4))
def test_l1_against_scipy(problem):
    """In the variables of positive and negative part the l1 ball is linear."""
    x, z, eps = problem
    p = project_l1(x, z, eps, BOX)[0].numpy()
    x_, z_, n = x[0].numpy(), z[0].numpy(), x.shape[1]
    solved = minimize(
        lambda v: ((x_ + v[:n] - v[n:] - z_) ** 2).sum(),
        np.zeros(2 * n),
        bounds=[*((0, 1 - a) for a in x_), *((0, a) for a in x_)],
        constraints={"type": "ineq", "fun": lambda v: eps - v.sum()},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    assert ((p - z_) ** 2).sum() <= solved.fun + 1e-6


@settings(max_examples=60, deadline=None)
@given(problems(5), st.integers(1, 3))
def test_l0_against_every_subset(problem, k):
    x, z, _ = problem
    p = project_l0(x, z, float(k), BOX)
    assert norm_of(p - x, "l0") <= k
    best = min(
        float((torch.where(torch.tensor([[i in chosen for i in range(x.shape[1])]]), z.clamp(0, 1), x) - z).square().sum())
        for chosen in itertools.combinations(range(x.shape[1]), min(k, x.shape[1]))
    )
    assert float((p - z).square().sum()) <= best + 1e-12


@settings(max_examples=40, deadline=None)
@given(problems())
def test_linf_is_a_clip(problem):
    x, z, eps = problem
    assert torch.equal(project_linf(x, z, eps, BOX), z.maximum(x - eps).minimum(x + eps).clamp(0, 1))


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from(["linf", "l2", "l1"]), st.sampled_from([torch.float32, torch.float64]))
def test_projecting_twice_changes_nothing_and_the_budget_holds(problem, norm, dtype):
    x, z, eps = (*(t.to(dtype) for t in problem[:2]), problem[2])
    threat = NormThreat(norm=norm, eps=eps)
    p = threat.project(x, z, BOX)
    assert bool(threat.contains(x, p, BOX).all())
    assert torch.allclose(threat.project(x, p, BOX), p, atol=4 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1", "l0"])
def test_points_inside_stay(norm):
    x = torch.tensor([[0.0, 1.0, 0.5, 0.25]])
    z = x + torch.tensor([[0.1, -0.1, 0.0, 0.0]])
    assert torch.equal(PROJECTIONS[norm](x, z, 2.0, BOX), z)


def test_a_radius_a_sample():
    x, z = torch.zeros(2, 3), torch.ones(2, 3)
    assert torch.allclose(norm_of(project_l1(x, z, torch.tensor([0.5, 2.0]), BOX), "l1"), torch.tensor([0.5, 2.0]))
    assert torch.allclose(norm_of(project_l2(x, z, torch.tensor([0.5, 1.0]), BOX), "l2"), torch.tensor([0.5, 1.0]))


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_large_float32_images_keep_the_budget(norm):
    numbers = torch.Generator().manual_seed(0)
    x = torch.rand((1, 3, 224, 224), generator=numbers)
    z = x + torch.randn(x.shape, generator=numbers)
    p = PROJECTIONS[norm](x, z, 3.0, BOX)
    assert float(norm_of((p.double() - x.double()), norm)) == pytest.approx(3.0, rel=1e-3)


def test_clipping_has_the_gradient_of_the_image_up_to_the_walls_and_none_beyond():
    x = torch.tensor([-0.5, 0.0, 0.5, 1.0, 1.5, torch.nan], requires_grad=True)
    clipped = clip(x, BOX)
    assert clipped[:5].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert bool(clipped[5].isnan())
    assert torch.autograd.grad(clipped[:5].sum(), x)[0].tolist() == [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
