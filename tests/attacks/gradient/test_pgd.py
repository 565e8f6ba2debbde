"""PGD against the closed-form optimum of a linear model, including the box."""

import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.build import attack
from robustkit.threats import Threat

N = 30


class Score(nn.Module):
    """Logits ``(0, 0.1 w.x - 10)``: class 0 is always predicted, and its margin shows how far an attack got."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(N, generator=torch.Generator().manual_seed(3), dtype=torch.float64))

    def forward(self, x):
        score = x.flatten(1) @ self.w
        return torch.stack([torch.zeros_like(score), 0.1 * score - 10], 1)


def images():
    x = torch.rand((6, 1, 5, 6), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    x[0], x[1, 0, 0], x[1, 0, 1] = 0.5, 0, 1
    return x


def optimum(norm, eps, x, w):
    """The maximum of ``w.z`` over the ball and the box."""
    if norm == "linf":
        return float((x + eps * w.sign()).clamp(0, 1) @ w)
    room = torch.where(w > 0, 1 - x, x)
    if norm == "l1":
        total, left = float(x @ w), eps
        for i in w.abs().argsort(descending=True):
            taken = min(left, float(room[i]))
            total, left = total + taken * abs(float(w[i])), left - taken
        return total
    # The optimum is min(t |w|, room) for one t, found by bisection.
    low, high = 0.0, 1e6
    for _ in range(200):
        t = (low + high) / 2
        low, high = (t, high) if float((t * w.abs()).minimum(room).square().sum()) <= eps**2 else (low, t)
    return float(x @ w + (low * w.abs()).minimum(room) @ w.abs())


def reached(name, norm, eps, **params):
    net, x = Score().requires_grad_(False), images()
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    result = attack(name, **params)(model, x, torch.zeros(6, dtype=torch.int64), Threat.parse(f"{norm}:{eps}"))
    best = torch.tensor([optimum(norm, eps, row, net.w) for row in x.flatten(1)], dtype=torch.float64)
    return result.x_adv.flatten(1) @ net.w, best, x.flatten(1) @ net.w


@pytest.mark.parametrize("eps", [0.05, 0.4])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd", "mi-fgsm", "apgd-ce"])
def test_linf_is_exact(name, eps):
    got, best, _ = reached(name, "linf", eps)
    assert torch.allclose(got, best, atol=1e-9)


@pytest.mark.parametrize("eps", [0.3, 2.0])
@pytest.mark.parametrize("name", ["pgd", "bim"])
def test_l2_with_long_steps_is_exact(name, eps):
    got, best, _ = reached(name, "l2", eps, steps=60, step_size=5 * eps)
    assert torch.allclose(got, best, atol=1e-6)


@pytest.mark.parametrize("name", ["pgd", "bim", "apgd-ce"])
def test_l2_defaults_come_within_a_tenth(name):
    got, best, clean = reached(name, "l2", 0.5)
    assert bool(((got - clean) >= 0.9 * (best - clean)).all())


@pytest.mark.parametrize("eps", [0.4, 3.0])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd"])
def test_l1_is_exact(name, eps):
    got, best, _ = reached(name, "l1", eps)
    assert torch.allclose(got, best, atol=1e-9)


def test_l1_apgd_comes_close():
    """The authors' rule moves many elements at once, so it stops short of the corner even for a linear model."""
    got, best, clean = reached("apgd-ce", "l1", 3.0)
    assert bool(((got - clean) >= 0.88 * (best - clean)).all())


def test_l2_optimum_of_the_test_agrees_with_scipy():
    x, w = images()[1].flatten().numpy(), Score().w.detach().numpy()
    solved = minimize(
        lambda z: -z @ w,
        x,
        bounds=[(0, 1)] * N,
        constraints={"type": "ineq", "fun": lambda z: 4 - ((z - x) ** 2).sum()},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert -solved.fun == pytest.approx(optimum("l2", 2.0, torch.tensor(x), torch.tensor(w)), rel=1e-5)


def test_restarts_differ_and_a_start_can_be_the_image():
    net, x = Score().requires_grad_(False), images()
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y, threat = torch.zeros(6, dtype=torch.int64), Threat.parse("linf:0.1")
    assert attack("pgd", steps=3, restarts=4).cost(threat, 2) == (17, 12)
    plain = attack("pgd", steps=1, step_size=1e-9, random_start=False)(model, x, y, threat)
    assert float((plain.x_adv - x).abs().max()) < 1e-8


@pytest.mark.parametrize("wrong", [{"step_size": 0.0}, {"restarts": 0}, {"steps": 0}])
def test_wrong_parameters(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack("pgd", **wrong)
