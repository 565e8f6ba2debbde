"""Auto-PGD's update rule for l1 against an independent reimplementation of the authors' code."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.attacks.gradient.apgd_l1 import sparse_sign, stages, start_sparse
from robustkit.projections import project_l1
from robustkit.rng import SampleRandom
from robustkit.threats import norm_of


def climb(trail, net, x, y, start, steps):
    """The l1 rule in three shrinking balls for one image, in plain loops (arXiv 2103.01208)."""
    eps, n = trail.eps["l1"], x.numel()
    part = math.ceil(0.3 * steps)
    path, best = [], start
    for scale, count in ((3, part), (2, part), (1, steps - 2 * part)):
        radius = scale * eps
        now = best = project_l1(x[None], best[None], radius, (0, 1))[0]
        path.append(now)
        loss, grad = trail.ask(net, now, y)
        best_loss, best_grad = loss, grad
        changed, size = int((now != x).sum()), 1.0
        every = max(int(0.04 * count), 1)
        for i in range(1, count + 1):
            keep = grad.abs() >= grad.abs().flatten().sort().values[min(int((1 - torch.tensor(changed) / n / 1.5) * n), n - 1)]
            sign = torch.where(keep, grad.sign(), 0)
            now = project_l1(x[None], (now + size * radius * sign / sign.abs().sum())[None], radius, (0, 1))[0]
            path.append(now)
            loss, grad = trail.ask(net, now, y)
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
def test_iterates_match_the_reimplementation(trail, steps):
    net, x = trail.network(), trail.images()
    y = net(x).argmax(1)
    _, *seen, _ = trail.queries("apgd-ce", "l1", net, x, y, steps=steps)  # without the clean pass and the verification
    assert len(seen) == steps + 2
    # In an image of zeros and ones many elements tie, and rounding breaks the ties.
    for i in range(1, len(x)):
        noise = SampleRandom(4, "apgd-ce").normal(torch.tensor([i]), tuple(x.shape[1:]), stream="start", dtype=x.dtype)
        path = climb(trail, net, x[i], y[i], x[i] + noise[0], steps)
        for step, (ours, theirs) in enumerate(zip(seen, path[:-1], strict=True)):
            assert torch.allclose(ours[i], theirs, atol=1e-7), f"image {i}, step {step}"


def test_the_schedule():
    assert [(s.begin, s.steps, s.scale) for s in stages(100)] == [(0, 30, 3.0), (31, 30, 2.0), (62, 40, 1.0)]
    assert [(s.begin, s.steps, s.scale) for s in stages(2)] == [(0, 2, 1.0)]


@given(steps=st.integers(1, 500))
def test_stages_sum_to_all_steps_in_shrinking_balls_down_to_eps(steps):
    found = stages(steps)
    assert sum(stage.steps for stage in found) == steps
    assert [stage.scale for stage in found] in ([3, 2, 1], [1])
    assert all(later.begin == stage.begin + stage.steps + 1 for stage, later in itertools.pairwise(found))


def test_the_start_fills_the_first_ball(batch_of):
    x = torch.full((4, 2, 6, 5), 0.5, dtype=torch.float64)
    state = start_sparse(batch_of(x, "l1:2"), steps=100)
    assert torch.allclose(norm_of(state.x_adv - x, "l1"), torch.tensor(6.0).double())
    assert torch.equal(state.changed, norm_of(state.x_adv - x, "l0"))
    assert torch.allclose(norm_of(start_sparse(batch_of(x, "l1:2"), steps=2).x_adv - x, "l1"), torch.tensor(2.0).double())


def test_sparse_sign_moves_two_thirds_of_what_the_best_point_changed():
    grad = torch.arange(1.0, 13).reshape(1, 1, 3, 4) * torch.tensor([1.0, -1, 1, -1])
    step = sparse_sign(grad, torch.tensor([6.0]))
    assert int((step != 0).sum()) in (4, 5)  # the authors' rank is a rounded float32
    assert float(step.abs().sum()) == pytest.approx(1)
    assert bool((step.sign() == grad.sign())[step != 0].all())


def test_sparse_sign_of_a_zero_gradient_is_zero():
    assert bool((sparse_sign(torch.zeros(2, 1, 2, 2), torch.tensor([4.0, 1.0])) == 0).all())
