"""Auto-PGD against an independent account of the authors' rules, and at its edges."""

import math

import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.gradient.apgd import APGDT
from robustkit.attacks.gradient.apgd_l1 import sparse_sign, stages
from robustkit.build import attack
from robustkit.engine import _Search
from robustkit.findings import Findings
from robustkit.projections import project_l1
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

EPS = {"linf": 0.06, "l2": 0.5, "l1": 3.0}


def network(classes=5, channels=2):
    net = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 30, classes)).double()
    numbers = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(0, 2 * parameter[0].numel() ** -0.5, generator=numbers)
    return net


def data(channels=2):
    x = torch.rand((5, channels, 6, 5), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[0, :, :3], x[0, :, 3:] = 0, 1
    return x


def queries(monkeypatch, name, norm, net, x, y, steps):
    """Every image the attack asked about, in order."""
    seen = []
    absorb, keep = _Search._absorb, Findings.keep
    monkeypatch.setattr(_Search, "_absorb", lambda s, b, z, *rest: (seen.append(z.clone()), absorb(s, b, z, *rest))[1])
    monkeypatch.setattr(Findings, "keep", lambda s, t, z, *rest: (seen.append(z.clone()), keep(s, t, z, *rest))[1])
    model = Model(net, spec=InputSpec(channels=x.shape[1]), device="cpu")
    attack(name, steps=steps, early_exit=False)(model, x, y, Threat.parse(f"{norm}:{EPS[norm]}"), seed=4)
    return seen


def ask(net, x, y):
    z = x.clone().requires_grad_()
    loss = nn.functional.cross_entropy(net(z[None]), y[None])
    return float(loss), torch.autograd.grad(loss, z)[0]


def climb_momentum(net, x, y, start, norm, steps):
    """One image, plain loops: arXiv 2003.01690 as the authors coded it."""
    eps = EPS[norm]

    def unit(v):
        return v.sign() if norm == "linf" else v / (v.square().sum().sqrt() + 1e-12)

    def inside(z):
        if norm == "linf":
            return z.minimum(x + eps).maximum(x - eps).clamp(0, 1)
        length = (z - x).square().sum().sqrt()
        return (x + (z - x) / (length + 1e-12) * length.clamp(max=eps)).clamp(0, 1)

    checks, gap, at = set(), max(int(0.22 * steps), 1), 0
    while at <= steps:
        at += gap
        checks.add(at)
        gap = max(gap - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    now = before = start
    loss, grad = ask(net, now, y)
    best, best_loss, best_grad = now, loss, grad
    size, history, last_check = 2 * eps, [0.0], 0
    best_at_check, reduced = loss, True
    path = [start]
    for i in range(1, steps + 1):
        a = 1.0 if i == 1 else 0.75
        z = inside(now + size * unit(grad))
        now, before = inside(now + (z - now) * a + (now - before) * (1 - a)), now
        path.append(now)
        loss, grad = ask(net, now, y)
        history.append(loss)
        if loss > best_loss:
            best, best_loss, best_grad = now, loss, grad
        if i in checks:
            rises = sum(history[j] > history[j - 1] for j in range(last_check + 1, i + 1))
            halve = rises <= 0.75 * (i - last_check) or (not reduced and best_loss <= best_at_check)
            reduced, best_at_check, last_check = halve, best_loss, i
            if halve:
                size, now, grad = size / 2, best, best_grad
    return path


def climb_sparse(net, x, y, start, steps):
    """One image, plain loops: the l1 rule in three shrinking balls (arXiv 2103.01208)."""
    eps, n = EPS["l1"], x.numel()
    part = math.ceil(0.3 * steps)
    path, best = [], start
    for scale, count in ((3, part), (2, part), (1, steps - 2 * part)):
        radius = scale * eps
        now = best = project_l1(x[None], best[None], radius, (0, 1))[0]
        path.append(now)
        loss, grad = ask(net, now, y)
        best_loss, best_grad = loss, grad
        changed, size = int((now != x).sum()), 1.0
        every = max(int(0.04 * count), 1)
        for i in range(1, count + 1):
            keep = grad.abs() >= grad.abs().flatten().sort().values[min(int((1 - torch.tensor(changed) / n / 1.5) * n), n - 1)]
            sign = torch.where(keep, grad.sign(), 0)
            now = project_l1(x[None], (now + size * radius * sign / sign.abs().sum())[None], radius, (0, 1))[0]
            path.append(now)
            loss, grad = ask(net, now, y)
            if loss > best_loss:
                best, best_loss, best_grad = now, loss, grad
            if i % every == 0:
                count_now = int((best != x).sum())
                if count_now / changed < 0.95:
                    size, now, grad = 1.0, best, best_grad
                else:
                    size = max(size / 1.5, 0.1)
                changed = count_now
    return path


@pytest.mark.parametrize("steps", [5, 37])
@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_iterates_are_those_of_the_rules_told_plainly(norm, steps, monkeypatch):
    net, x = network(), data()
    y = net(x).argmax(1)
    seen = queries(monkeypatch, "apgd-ce", norm, net, x, y, steps)
    # In an image of zeros and ones many elements tie under l1, and rounding decides between them.
    for i in range(norm == "l1", len(x)):
        if norm == "l1":
            noise = SampleRandom(4, "apgd-ce").normal(torch.tensor([i]), tuple(x.shape[1:]), stream="start", dtype=x.dtype)
            path = climb_sparse(net, x[i], y[i], x[i] + noise[0], steps)
        else:
            path = climb_momentum(net, x[i], y[i], seen[0][i], norm, steps)
        assert len(path) == len(seen)
        for step, (ours, theirs) in enumerate(zip(seen, path, strict=True)):
            assert torch.allclose(ours[i], theirs, atol=1e-7), f"image {i}, step {step}"


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_start_is_on_the_surface(norm, monkeypatch):
    net, x = network(), torch.full((5, 2, 6, 5), 0.5, dtype=torch.float64)
    start = queries(monkeypatch, "apgd-ce", norm, net, x, net(x).argmax(1), 1)[0]
    assert torch.allclose(Threat.parse(f"{norm}:{EPS[norm]}").distance(x, start), torch.tensor(EPS[norm]).double())


def test_l1_schedule():
    assert [(s.begin, s.steps, s.scale) for s in stages(100)] == [(0, 30, 3.0), (31, 30, 2.0), (62, 40, 1.0)]
    assert [(s.begin, s.steps, s.scale) for s in stages(2)] == [(0, 2, 1.0)]
    assert attack("apgd-ce").cost(Threat.parse("l1:1"), 10) == (104, 102)
    assert attack("apgd-ce").cost(Threat.parse("linf:0.1"), 10) == (102, 100)
    assert attack("apgd-t").cost(Threat.parse("linf:0.1"), 10) == (9 * 101 + 1, 900)
    assert attack("apgd-t").cost(Threat.parse("l1:1"), 10) == (5 * 103 + 1, 510)


def test_sparse_sign_moves_two_thirds_of_what_the_best_point_changed():
    grad = torch.arange(1.0, 13).reshape(1, 1, 3, 4) * torch.tensor([1.0, -1, 1, -1])
    step = sparse_sign(grad, torch.tensor([6.0]))
    assert int((step != 0).sum()) in (4, 5)  # the authors' rank is a rounded float32
    assert float(step.abs().sum()) == pytest.approx(1)
    assert bool((step.sign() == grad.sign())[step != 0].all())


def test_targets_are_the_likeliest_wrong_classes_in_order(monkeypatch):
    aimed = []
    real = APGDT.targets
    monkeypatch.setattr(APGDT, "targets", lambda self, batch: (aimed.append(real(self, batch).tolist()), real(self, batch))[1])
    net, x = network(), data()
    logits = net(x)
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    attack("apgd-t", steps=1, restarts=2, early_exit=False)(model, x, logits.argmax(1), Threat.parse("linf:0.01"))
    order = logits.argsort(dim=1, descending=True)
    assert aimed == [order[:, rank].tolist() for rank in (1, 1, 2, 2, 3, 3, 4, 4)]


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("name", ["apgd-dlr", "apgd-t"])
@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes_still_have_a_gradient(name, classes, norm):
    net, x = network(classes, channels=1), data(channels=1)
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    y = net(x).argmax(1)
    threat = Threat.parse(f"{norm}:{10 * EPS[norm]}")
    result = attack(name, steps=20)(model, x, y, threat)
    assert int(result.success.sum()) >= 4
    # Where the label has fallen to third place the ratio is constant: that may happen once, on the way to success.
    assert int(result.zero_gradients.max()) <= 1


def test_targeted_threat_reaches_the_target():
    net, x = network(), data()
    model = Model(net, spec=InputSpec(channels=2), device="cpu")
    y = net(x).argmax(1)
    targets = (y + 2) % 5
    for name in ("apgd-ce", "apgd-dlr", "apgd-t"):
        result = attack(name, steps=30)(model, x, y, Threat.parse("linf:0.9,targeted"), targets=targets)
        assert bool(result.success.all())
        assert torch.equal(net(result.x_adv).argmax(1), targets)


@pytest.mark.parametrize(
    ("name", "wrong"), [("apgd-ce", {"rho": 0}), ("apgd-dlr", {"restarts": 0}), ("apgd-t", {"target_classes": 0})]
)
def test_wrong_parameters(name, wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        attack(name, **wrong)
