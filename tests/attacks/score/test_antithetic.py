"""Pairs of queries on a linear loss, along known noise: one element after another."""

from dataclasses import dataclass, replace

import pytest
import torch

from robustkit import UsageError
from robustkit.attacks.score.antithetic import AntitheticAttack, AntitheticState, choose
from robustkit.contracts.attack import AttackInfo
from robustkit.engine.stepping import Response

SLOPE = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)


@dataclass(frozen=True, kw_only=True)
class ByElement(AntitheticAttack):
    """Probes one element per pair, and then moves to the sum of the gradients."""

    info = AttackInfo(name="by-element", threats=("linf",), knowledge="score", targeted=False, cost="steps", paper="")

    def start(self, batch):
        return self.first_state(batch)

    def radius(self, batch):
        return 0.01

    def draw(self, batch, pair):
        return torch.eye(3, dtype=batch.x.dtype)[pair % 3][:, None, None, :]

    def move(self, batch, state):
        return replace(state, x_from=batch.x + state.grad, grad=torch.zeros_like(state.grad))


def follow(batch, attack, queries):
    """The queried images."""
    state, asked = attack.start(batch), []
    for step in range(queries):
        asked.append(state.x_adv[0, 0, 0])
        loss = state.x_adv[:, 0, 0] @ SLOPE
        at = torch.full((len(loss),), step)
        answer = Response(logits=loss, success=loss > 0, margin=loss, loss=loss, grad=batch.x, step=at, taken=at)
        state = attack.step(batch, state, answer)
    return asked


def test_a_population_of_pairs_gives_the_gradient(batch_of):
    x = torch.full((1, 1, 1, 3), 0.5, dtype=torch.float64)
    asked = follow(batch_of(x, "linf:0.2"), ByElement(population=6), 8)
    offsets = torch.stack(asked) - 0.5
    pairs = 0.01 * torch.eye(3, dtype=torch.float64)
    assert torch.allclose(offsets[:6], torch.stack([pairs, -pairs], dim=1).reshape(6, 3))
    assert torch.allclose((offsets[6] + offsets[7]) / 2, 0.02 * SLOPE)


def test_queries_stay_in_the_threat(batch_of):
    x = torch.tensor([[[[1.0, 0.0, 0.5]]]], dtype=torch.float64)
    batch = batch_of(x, "linf:0.005")
    for query in follow(batch, ByElement(population=6), 20):
        assert bool(batch.threat.contains(x, query[None, None, None], batch.bounds))


def test_few_steps_make_a_small_population(batch_of):
    x = torch.full((1, 1, 1, 3), 0.5, dtype=torch.float64)
    asked = follow(batch_of(x, "linf:0.2"), ByElement(steps=3, population=50), 4)
    assert (asked[3] + asked[2] - 1).tolist() == pytest.approx([0.08, 0, 0])  # moved after the first pair


def test_rows_of_one_state_or_the_other():
    def state(value):
        rows = torch.full((2, 1, 1, 1), value)
        return AntitheticState(x_adv=rows, x_from=rows, noise=rows, grad=rows, loss_before=rows[:, 0, 0, 0])

    chosen = choose(torch.tensor([True, False]), state(1.0), state(2.0))
    assert chosen.x_from.flatten().tolist() == [1, 2]
    assert chosen.loss_before.tolist() == [1, 2]
    assert chosen.witness is None


@pytest.mark.parametrize("population", [5, 0])
def test_queries_come_in_pairs(population):
    with pytest.raises(UsageError, match=f"population={population} must be an even number"):
        ByElement(population=population)
