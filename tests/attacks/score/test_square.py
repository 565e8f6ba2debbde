"""Square Attack's schedule and results; its proposals are tested in test_square_stripes.py and test_square_bumps.py."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustkit import InputSpec, Model, UsageError
from robustkit.attacks.score.square import schedule, share, window_side
from robustkit.build import attack
from robustkit.contracts.result import Status
from robustkit.engine.stepping import Response
from robustkit.threats import Threat


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


class Robust(nn.Module):
    """Logits whose margin follows ``w.x`` and stays far from 0."""

    def forward(self, x):
        weight = torch.linspace(-1, 1, x[0].numel(), dtype=x.dtype)
        score = x.flatten(1) @ weight
        return torch.stack([100 - score, score, score - 1], 1)


def test_nearly_optimal_for_a_linear_model_at_the_stated_cost():
    x = torch.full((4, 1, 6, 6), 0.5, dtype=torch.float64)
    model = Model(Robust(), spec=InputSpec(channels=1), device="cpu")
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
def test_proposals_stay_in_the_threat(batch_of_six, seed, threat, shape):
    b = batch_of_six(threat, (6, *shape), torch.float32)
    square = attack("square", steps=8)
    state, zero = square.start(b), torch.zeros(6, dtype=torch.int64)
    loss = torch.randn(8, 6, generator=torch.Generator().manual_seed(seed))
    for step in range(8):
        assert bool(b.threat.contains(b.x, state.x_adv, (0, 1)).all())
        at, now = zero + step, loss[step]
        answer = Response(logits=loss, success=now > 0, margin=now, loss=now, grad=b.x, step=at, taken=at)
        state = square.step(b, state, answer)


def test_p_init_out_of_range():
    with pytest.raises(UsageError, match=r"p_init=1\.5"):
        attack("square", p_init=1.5)
