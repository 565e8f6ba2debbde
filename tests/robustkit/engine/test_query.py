import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model, Threat
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.query import Query
from robustkit.engine.stepping import Batch, State
from robustkit.rng import SampleRandom


class Linear(nn.Module):
    def forward(self, x):
        total = x.flatten(1).sum(1)
        return torch.stack([total, 2 - 2 * total], 1)


def setting(model, n=5):
    x = torch.rand(n, 1, 1, 3, generator=torch.Generator().manual_seed(1))
    samples = Samples(x, torch.zeros(n, dtype=torch.int64), torch.arange(n))
    return Batch(
        samples=samples,
        attempt=torch.zeros(n, dtype=torch.int64),
        clean_logits=model.logits(x),
        criterion=CLASSIFICATION,
        threat=Threat.parse("linf:0.1"),
        bounds=(0, 1),
        random=SampleRandom(0, "x"),
    )


@pytest.mark.parametrize("batch_size", [None, 2])
def test_one_pass_shows_logits_loss_and_gradient(batch_size):
    model = Model(Linear(), spec=InputSpec(channels=1), device="cpu", batch_size=batch_size)
    batch = setting(model)
    before = model.forwards
    seen = Query(attack("apgd-margin"), model).ask(batch, State(x_adv=batch.x), None)
    assert (model.forwards - before, model.backwards) == (5, 5)
    total = batch.x.flatten(1).sum(1)
    assert torch.allclose(seen.answer.columns, torch.stack([total, 2 - 2 * total], 1))
    assert torch.allclose(seen.loss, 2 - 3 * total)
    assert torch.equal(seen.answer.success, seen.answer.margin > 0)
    assert torch.allclose(seen.grad, torch.full_like(batch.x, -3.0))


def test_only_what_is_asked_about_costs_a_pass():
    model = Model(Linear(), spec=InputSpec(channels=1), device="cpu")
    batch, square = setting(model), attack("square")
    state, asked = square.start(batch), torch.tensor([True, False, True, False, False])
    before = model.forwards
    seen = Query(square, model).ask(batch, state, asked)
    whole = Query(square, model).ask(batch, state, None)
    assert model.forwards - before == 2 + 5
    assert torch.equal(seen.loss[asked], whole.loss[asked])
    assert seen.loss[~asked].isneginf().all()
    assert not seen.answer.success[~asked].any()
    assert torch.equal(seen.x, whole.x)


class Coin(nn.Module):
    """Class 1 on about four passes in ten."""

    def forward(self, x):
        lead = torch.where(torch.rand(len(x)) < 0.4, -1.0, 1.0) + 0 * x.flatten(1).sum(1)
        return torch.stack([lead, -lead], 1)


def test_of_several_draws_the_majority_and_the_means():
    model = Model(Coin(), spec=InputSpec(channels=1), device="cpu")
    batch = setting(model, 200)
    with model.frozen(0):
        seen = Query(attack("noise"), model.with_draws(101)).ask(batch, State(x_adv=batch.x), None)
    assert int(seen.answer.success.sum()) < 20
    assert torch.allclose(seen.answer.margin.mean(), torch.tensor(-0.4), atol=0.05)
    assert torch.equal(seen.answer.success, seen.answer.margin > 0)
