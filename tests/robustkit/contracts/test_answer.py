import pytest
import torch
from torch import nn

from robustkit import InputSpec, Model
from robustkit.contracts.answer import ask, predict
from robustkit.contracts.samples import Samples


def given(x, y, targets=None):
    return Samples(x, y, torch.arange(len(x)), targets)


class Dice(nn.Module):
    """Three classes; on a draw the class is 0, 1 or 2 with the chances that the pixels say, or there is no answer."""

    def forward(self, x):
        edges = x.flatten(1).cumsum(1)
        rolled = (torch.rand(len(x), 1) > edges[:, :2]).sum(1)
        logits = nn.functional.one_hot(rolled, 3).to(x)
        return torch.where(torch.rand(len(x), 1) < x.flatten(1)[:, 3:], torch.nan, logits)


def dice(*chances, n=200, draws=1):
    x = torch.tensor(chances).reshape(1, 1, 2, 2).expand(n, 1, 2, 2)
    return Model(Dice(), spec=InputSpec(channels=1), device="cpu", draws=draws), x, torch.zeros(n, dtype=torch.int64)


def test_an_answer_is_the_majority_of_independent_draws_also_outside_frozen():
    model, x, y = dice(0.7, 0.15, 0.15, 0.0)
    before = torch.get_rng_state()
    alone, many = ask(model, x, given(x, y, None)).success, ask(model.with_draws(101), x, given(x, y, None)).success
    assert 30 < int(alone.sum()) < 90
    assert int(many.sum()) == 0
    assert int(ask(model.with_draws(101), x, given(x, y, None)).success.sum()) == 0
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_decides_the_draws():
    model, x, y = dice(0.5, 0.25, 0.25, 0.0, draws=5)
    answers = []
    for seed in (1, 1, 2):
        with model.frozen(seed):
            answers.append(ask(model, x, given(x, y, None)).success)
    assert torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])


def test_clearly_adversarial_is_what_a_repetition_would_say_too():
    model, x, y = dice(0.5, 0.25, 0.25, 0.0, draws=21)
    assert 60 < int(ask(model, x, given(x, y, None)).success.sum()) < 140
    assert int(ask(model, x, given(x, y, None), clearly=True).success.sum()) < 20
    for draws in (1, 2, 3, 4):
        surely, x, y = dice(0.0, 1.0, 0.0, 0.0, draws=draws)
        assert ask(surely, x, given(x, y, None), clearly=True).success.all()


def test_one_draw_without_an_answer_is_an_error():
    model, x, y = dice(0.0, 1.0, 0.0, 0.2, draws=21)
    assert int((~ask(model, x, given(x, y)).finite).sum()) > 190


@pytest.mark.parametrize("draws", [1, 4, 5])
@pytest.mark.parametrize("aim", [None, 2])
def test_the_prediction_agrees_with_the_verdict(draws, aim):
    model, x, y = dice(0.4, 0.3, 0.3, 0.0, draws=draws)
    targets = None if aim is None else torch.full_like(y, aim)
    with model.frozen(1):
        expected = ask(model, x, given(x, y, targets))
    with model.frozen(1):
        logits, prediction, adversarial = predict(model, x, y, targets)
    assert torch.equal(logits, expected.columns)
    assert torch.equal(expected.success, adversarial)
    assert torch.equal(adversarial, prediction != y if aim is None else prediction == aim)
    assert 0 < int(adversarial.sum()) < 200
