import torch

from robustkit.attacks.gradient.pma import PMA
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch, State
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def loss(logits, y, targets):
    x = torch.zeros(len(y), 1, 1, 1)
    batch = Batch(
        samples=Samples(x, y, y, targets),
        criterion=CLASSIFICATION,
        attempt=y,
        clean_logits=None,
        threat=Threat.parse("linf:0.1"),
        bounds=(0.0, 1.0),
        random=SampleRandom(0, "pma"),
    )
    return PMA().loss(batch, State(x_adv=x), logits)


def test_the_loss_is_the_margin_of_the_probabilities():
    probabilities = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    y = torch.tensor([0, 1])
    assert torch.allclose(loss(probabilities.log() + 3, y, None), torch.tensor([-0.5, 0.3]))
    assert torch.allclose(loss(probabilities.log(), y, torch.tensor([2, 0])), torch.tensor([-0.6, -0.5]))


def test_a_linear_model_is_successfully_attacked_exactly_where_the_closed_form_says(linear_model, linear_data):
    x, y = linear_data
    result = attack("pma", steps=20)(linear_model, x, y, Threat.parse("linf:0.105"))
    assert result.success.tolist() == [True] * 10 + [False] * 10
