"""Square Attack's moves against the same rules written out sample by sample, window by window."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.score.random_search import AHEAD, next_words, words_ahead
from robustkit.attacks.score.square import schedule, share, window_side
from robustkit.attacks.score.square_bumps import kernel, move_mass, place, start_bumps
from robustkit.attacks.score.square_stripes import paint_square, start_stripes
from robustkit.build import attack
from robustkit.contract import Status
from robustkit.iterative import Batch, Response
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def batch(threat, shape=(6, 3, 12, 10), dtype=torch.float64, ids=None):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(2), dtype=dtype)
    x[0], x[1] = 0, 1
    ids = torch.arange(shape[0]) if ids is None else ids
    zero = torch.zeros_like(ids)
    return Batch(
        x=x, y=zero, targets=None, sample_ids=ids, attempt=zero, clean_logits=None,
        threat=Threat.parse(threat), bounds=(0, 1), random=SampleRandom(0, "square"),
    )  # fmt: skip


def words(count, n=6, seed=3):
    return torch.randint(0, 2**32, (n, count), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("query", "expected"),
    [(0, 0.8), (5, 0.8), (6, 0.4), (25, 0.4), (26, 0.2), (1000, 0.025), (1001, 0.0125), (4999, 0.8 / 512)],
)
def test_schedule_of_5000_queries_is_that_of_10000_twice_as_fast(query, expected):
    assert share(query, 5000, 0.8) == expected


def test_windows_of_cifar_images():
    linf, sides = schedule(5000, 0.8, 32, 32, "linf", torch.device("cpu"))
    assert [int(linf[k]) for k in (0, 6, 26, 101, 251, 501, 1001, 2001, 3001, 4001)] == [29, 20, 14, 10, 7, 5, 4, 3, 2, 1]
    assert sides == (1, 2, 3, 4, 5, 7, 10, 14, 20, 29)
    l2, _ = schedule(5000, 0.8, 32, 32, "l2", torch.device("cpu"))
    assert [int(l2[k]) for k in (0, 6, 26, 101, 251, 501, 4999)] == [29, 21, 15, 11, 7, 5, 3]


def test_windows_fit_into_small_images():
    assert window_side(0.8, 2, 5, "l2") == 2
    assert window_side(0.001, 4, 4, "linf") == 1


@pytest.mark.parametrize(("norm", "power"), [(2, 2), (1, 4)])
@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 8, 13])
def test_kernel_is_the_papers(norm, power, side):
    def rectangles(height, width):
        total = [[0.0] * width for _ in range(height)]
        for k in range(max(height // 2, width // 2) + 1):
            for r in range(max(height // 2 - k, 0), min(height // 2 + k + 1, height)):
                for c in range(max(width // 2 - k, 0), min(width // 2 + k + 1, width)):
                    total[r][c] += 1 / (k + 1) ** power
        length = sum(abs(v) ** norm for row in total for v in row) ** (1 / norm)
        return [[v / length for v in row] for row in total]

    expected = rectangles(side // 2, side) if side > 1 else []
    expected = torch.tensor(
        [*expected, *[[-v for v in row] for row in rectangles(side - side // 2, side)]], dtype=torch.float64
    )
    expected = expected / expected.abs().pow(norm).sum().pow(1 / norm)
    assert torch.allclose(kernel(side, norm, torch.float64, torch.device("cpu")), expected, atol=1e-14)


def test_stripes_are_vertical_and_on_the_edge():
    b = batch("linf:0.1")
    b.x = b.x * 0.5 + 0.25
    delta = start_stripes(b) - b.x
    assert torch.allclose(delta.abs(), torch.full_like(delta, 0.1))
    assert bool((delta.sign() == delta.sign()[:, :, :1]).all())
    assert 0.2 < float((delta[:, :, 0] > 0).double().mean()) < 0.8


def test_linf_square_is_two_eps_clipped_to_ball_and_box():
    b, size = batch("linf:0.1"), torch.tensor([1, 2, 3, 5, 9, 10])
    x_best, w = start_stripes(b), words(3)
    got = paint_square(b, x_best, w, size)
    for i in range(6):
        side = int(size[i])
        top, left = int(w[i, 0]) * (12 - side + 1) >> 32, int(w[i, 1]) * (10 - side + 1) >> 32
        delta = torch.zeros(3, 12, 10, dtype=torch.float64)
        for c in range(3):
            delta[c, top : top + side, left : left + side] = 0.2 if int(w[i, 2]) >> c & 1 else -0.2
        expected = (x_best[i] + delta).maximum(b.x[i] - 0.1).minimum(b.x[i] + 0.1).clamp(0, 1)
        assert torch.allclose(got[i], expected, atol=1e-15)


def test_every_place_gets_a_window():
    b = batch("linf:0.1", shape=(400, 1, 4, 5))
    b.x = b.x * 0 + 0.5
    changed = paint_square(b, b.x, words(3, 400), torch.full((400,), 3)) != b.x
    assert bool(changed.any(0).all())
    assert bool((changed.flatten(1).sum(1) == 9).all())


@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("l1", 1)])
def test_bumps_move_as_the_authors_say(norm, order):
    eps = {"l2": 1.5, "l1": 8.0}[norm]
    b, size = batch(f"{norm}:{eps}"), torch.tensor([3, 3, 5, 7, 9, 10])
    x_best, w = start_bumps(b), words(6)
    got = move_mass(b, x_best, w, size, (3, 5, 7, 9, 10))

    def length(z):
        return z.abs().pow(order).sum((-2, -1), keepdim=True).pow(1 / order)

    for i in range(6):
        s, x, delta = int(size[i]), b.x[i], x_best[i] - b.x[i]
        (r, c), (r2, c2) = [
            (int(w[i, j]) * (12 - s + 1) >> 32, int(w[i, j + 1]) * (10 - s + 1) >> 32) for j in (0, 2)
        ]  # fmt: skip
        one, two = torch.zeros(12, 10, dtype=torch.bool), torch.zeros(12, 10, dtype=torch.bool)
        one[r : r + s, c : c + s] = True
        two[r2 : r2 + s, c2 : c2 + s] = True
        image, both, window = delta.abs().pow(order).sum(), length(delta * (one | two)), delta[:, r : r + s, c : c + s]
        bump = kernel(s, order, torch.float64, torch.device("cpu"))
        bump = bump.T if int(w[i, 4]) & 1 else bump
        sign = torch.tensor([1.0 if int(w[i, 5]) >> channel & 1 else -1.0 for channel in range(3)], dtype=torch.float64)
        new = bump * sign[:, None, None] + window / (1e-12 + length(window))
        spare = max(eps**order - float(image), 0) / 3
        mass = (spare + both.square()).sqrt() if order == 2 else (spare + both) * 3
        new = new / (1e-12 + length(new)) * mass
        delta = delta * ~two
        delta[:, r : r + s, c : c + s] = new
        if order == 2:
            expected = (x + delta / delta.square().sum().sqrt() * eps).clamp(0, 1)
        else:
            expected = b.threat.project(x[None], (x + delta)[None], (0, 1))[0]
        assert torch.allclose(got[i], expected, atol=1e-7), i


def test_a_bump_lies_where_it_should():
    shapes = torch.zeros(2, 4, 4)
    shapes[0, :2, :2], shapes[1, :3, :3] = 1, 2
    got = place(
        shapes, torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([2, 1]), torch.tensor([2, 3]), torch.zeros(2, 1, 4, 4)
    )
    expected = torch.zeros(2, 1, 4, 4)
    expected[0, 0, :2, 2:], expected[1, 0, 1:, 1:] = 1, 2
    assert torch.equal(got, expected)


@pytest.mark.parametrize(("threat", "eps"), [("l2:0.7", 0.7), ("l1:4", 4.0)])
@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 3, 4, 7), (2, 1, 28, 28), (2, 1, 14, 17)])
def test_first_bumps_use_the_whole_budget_where_the_box_allows(threat, eps, shape):
    b = batch(threat, shape)
    b.x = b.x * 0 + 0.5
    delta = start_bumps(b) - b.x
    if shape == (2, 1, 1, 1):
        eps = 0.5 if threat.startswith("l1") else min(eps, 0.5)
    length = delta.flatten(1).norm(2 if threat.startswith("l2") else 1, dim=1)
    assert bool((length <= eps + 1e-9).all())
    if shape[2] > 1 and threat.startswith("l2"):
        assert bool((length > 0.9 * eps).all())


def test_words_depend_on_the_step_alone():
    b = batch("linf:0.1")
    late = words_ahead(b, torch.tensor([0, 1, 5, 90, 91, 92]), 3)
    for i, step in enumerate((0, 1, 5, 90, 91, 92)):
        plain = b.random.bits(b.sample_ids[i : i + 1], (3,), step=step + 7)
        assert torch.equal(late[i : i + 1, 7], plain)


def test_words_are_drawn_again_when_they_run_out():
    b, steps = batch("linf:0.1"), AHEAD // 3
    state = attack("square").start(b)
    for step in range(2 * steps + 2):
        state, drawn = next_words(b, state, torch.full((6,), step))
        assert torch.equal(drawn, b.random.bits(b.sample_ids, (3,), step=step))


def test_only_a_better_query_is_kept():
    b = batch("linf:0.1")
    square = attack("square", steps=10)
    first = square.start(b)
    answer = Response(logits=torch.zeros(6, 2), loss=torch.zeros(6), grad=b.x, step=torch.zeros(6, dtype=torch.int64))
    second = square.step(b, first, answer)
    assert torch.equal(second.x_best, first.x_adv)
    loss = torch.tensor([1.0, -1, 1, 0, -1, 2])
    third = square.step(b, second, dataclasses.replace(answer, loss=loss, step=answer.step + 1))
    kept = torch.where((loss > 0)[:, None, None, None], second.x_adv, first.x_adv)
    assert torch.equal(third.x_best, kept)
    assert third.loss_best.tolist() == [1, 0, 1, 0, 0, 2]


class Unbeatable(nn.Module):
    """Logits whose margin follows ``w.x`` and stays far from 0."""

    def forward(self, x):
        weight = torch.linspace(-1, 1, x[0].numel(), dtype=x.dtype)
        score = x.flatten(1) @ weight
        return torch.stack([100 - score, score, score - 1], 1)


def test_finds_most_of_what_a_linear_model_gives_and_costs_what_it_says():
    x = torch.full((4, 1, 6, 6), 0.5, dtype=torch.float64)
    model = Model(Unbeatable(), spec=InputSpec(channels=1), device="cpu")
    result = attack("square", steps=400)(model, x, torch.zeros(4, dtype=torch.int64), Threat.parse("linf:0.1"))
    weight = torch.linspace(-1, 1, 36, dtype=torch.float64)
    gain = (result.x_adv - x).flatten(1) @ weight
    assert bool((gain > 0.95 * 0.1 * weight.abs().sum()).all())
    assert result.status.tolist() == [int(Status.FAILED)] * 4
    assert max(result.forwards.tolist()) < 402
    measured = attack("square", steps=400, early_exit=False)(
        model, x, torch.zeros(4, dtype=torch.int64), Threat.parse("linf:0.1")
    )
    assert measured.forwards.tolist() == [402] * 4
    assert torch.equal(measured.x_adv, result.x_adv)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["linf:0.3", "l2:2", "l1:6"]), st.sampled_from([(1, 5, 9), (3, 8, 6)]))
def test_moves_stay_admissible(seed, threat, shape):
    b = batch(threat, (6, *shape), torch.float32)
    square = attack("square", steps=8)
    state, zero = square.start(b), torch.zeros(6, dtype=torch.int64)
    loss = torch.randn(8, 6, generator=torch.Generator().manual_seed(seed))
    for step in range(8):
        assert bool(b.threat.contains(b.x, state.x_adv, (0, 1)).all())
        state = square.step(b, state, Response(logits=loss, loss=loss[step], grad=b.x, step=zero + step))


def test_losses():
    b, square = batch("linf:0.1", (2, 1, 3, 3)), attack("square")
    logits = torch.tensor([[3.0, 1, 2], [0, 4, 1]])
    assert square.loss(b, None, logits).tolist() == [-1, 4]
    b.targets = torch.tensor([2, 2])
    expected = [2 - math.log(math.e**3 + math.e + math.e**2), 1 - math.log(1 + math.e**4 + math.e)]
    assert square.loss(b, None, logits).tolist() == pytest.approx(expected, abs=1e-6)


def test_p_init_is_a_share():
    with pytest.raises(UsageError, match=r"p_init=1\.5"):
        attack("square", p_init=1.5)
