"""Auto-PGD's update rule for linf and l2 against an independent reimplementation of the authors' code."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustkit import Threat
from robustkit.attacks.gradient.apgd_momentum import direction, normalise, start_momentum, step_momentum
from robustkit.engine.stepping import Response
from robustkit.threats import norm_of


def climb(trail, net, x, y, start, norm, steps):
    """The authors' code of arXiv 2003.01690 for one image, in plain loops."""
    eps = trail.eps[norm]

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
    loss, grad = trail.ask(net, now, y)
    best, best_loss, best_grad = now, loss, grad
    size, history, last_check = 2 * eps, [0.0], 0
    best_at_check, reduced = loss, True
    path = [start]
    for i in range(1, steps + 1):
        a = 1.0 if i == 1 else 0.75
        z = inside(now + size * unit(grad))
        now, before = inside(now + (z - now) * a + (now - before) * (1 - a)), now
        path.append(now)
        loss, grad = trail.ask(net, now, y)
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


@pytest.mark.parametrize("steps", [5, 37])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_iterates_match_the_reimplementation(trail, norm, steps):
    net, x = trail.network(), trail.images()
    y = net(x).argmax(1)
    _, *seen, _ = trail.queries("apgd-ce", norm, net, x, y, steps=steps)  # without the clean pass and the verification
    assert len(seen) == steps
    for i in range(len(x)):
        path = climb(trail, net, x[i], y[i], seen[0][i], norm, steps)
        for step, (ours, theirs) in enumerate(zip(seen, path[:-1], strict=True)):
            assert torch.allclose(ours[i], theirs, atol=1e-7), f"image {i}, step {step}"


@pytest.mark.parametrize("threat", ["linf:0.06", "l2:0.5"])
def test_the_start_is_on_the_surface(batch_of, threat):
    x = torch.full((5, 2, 6, 5), 0.5, dtype=torch.float64)
    batch = batch_of(x, threat)
    state = start_momentum(batch, steps=100)
    assert torch.allclose(batch.threat.distance(x, state.x_adv), torch.tensor(batch.threat.eps).double())
    assert state.step_size.tolist() == [2 * batch.threat.eps] * 5
    assert state.period.tolist() == [22] * 5


@pytest.mark.parametrize(("loss", "halved"), [(-1.0, True), (2.0, False)])
def test_the_first_checkpoint_halves_the_step_unless_the_loss_rose(batch_of, loss, halved):
    x = torch.full((1, 1, 2, 2), 0.5)
    batch = batch_of(x, "linf:0.1")
    state = start_momentum(batch, steps=5)  # a checkpoint after every step
    answer = Response(
        logits=torch.zeros(1, 2),
        success=torch.ones(1) > 0,
        margin=torch.ones(1),
        loss=torch.ones(1),
        grad=torch.ones_like(x),
        step=torch.tensor([0]),
        taken=torch.tensor([0]),
    )
    state = step_momentum(batch, state, answer, steps=5, rho=0.75)
    start = state.x_from
    answer = Response(
        logits=torch.zeros(1, 2),
        success=torch.tensor([loss]) > 0,
        margin=torch.tensor([loss]),
        loss=torch.tensor([loss]),
        grad=torch.ones_like(x),
        step=torch.tensor([1]),
        taken=torch.tensor([1]),
    )
    state = step_momentum(batch, state, answer, steps=5, rho=0.75)
    assert float(state.step_size) == pytest.approx(0.1 if halved else 0.2)
    assert torch.equal(state.x_from, start) == halved  # back to the best point


def test_directions_have_unit_length():
    grad = torch.tensor([[[[3.0, -4.0, 0.0]]]])
    assert direction(grad, Threat.parse("linf:1")).flatten().tolist() == [1, -1, 0]
    assert direction(grad, Threat.parse("l2:1")).flatten().tolist() == pytest.approx([0.6, -0.8, 0])
    assert bool((direction(0 * grad, Threat.parse("l2:1")) == 0).all())


@given(values=st.lists(st.floats(-100, 100), min_size=1, max_size=8).filter(any), norm=st.sampled_from(["linf", "l2"]))
@settings(max_examples=30, deadline=None)
def test_normalising_keeps_the_direction(values, norm):
    delta = torch.tensor(values, dtype=torch.float64)[None]
    delta = torch.where(delta.abs() < 1e-3, 0, delta) + 1e-3
    length = norm_of(delta, norm)
    assert torch.allclose(normalise(delta, Threat.parse(f"{norm}:1")) * length, delta, rtol=1e-6)
