import pytest
import torch

from robustkit import UsageError
from robustkit.attacks.transfer.mi_fgsm import MIFGSM
from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch, Response
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


def test_momentum_is_the_decayed_sum_of_l1_normalised_gradients():
    x = torch.full((1, 1, 1, 2), 0.5)
    one = torch.ones(1, dtype=torch.int64)
    batch = Batch(
        samples=Samples(x, one, one),
        criterion=CLASSIFICATION,
        attempt=one,
        clean_logits=None,
        threat=Threat.parse("linf:0.3"),
        bounds=(0.0, 1.0),
        random=SampleRandom(0, "mi-fgsm"),
    )
    built = MIFGSM(steps=3, decay=0.5)
    state = built.start(batch)
    for grad, velocity, moved in (
        ([3.0, 1.0], [0.75, 0.25], [0.6, 0.6]),
        ([-1.0, -3.0], [0.125, -0.625], [0.7, 0.5]),
        ([0.0, 0.0], [0.0625, -0.3125], [0.8, 0.4]),
    ):
        answer = Response(
            logits=torch.zeros(1, 2),
            success=torch.zeros(1) > 0,
            margin=torch.zeros(1),
            loss=torch.zeros(1),
            grad=torch.tensor(grad).reshape(x.shape),
            step=one,
            taken=one,
        )
        state = built.step(batch, state, answer)
        assert torch.allclose(state.velocity.flatten(), torch.tensor(velocity))
        assert torch.allclose(state.x_adv.flatten(), torch.tensor(moved))


def test_wrong_parameters():
    with pytest.raises(UsageError, match="decay"):
        attack("mi-fgsm", decay=-0.1)
    with pytest.raises(UsageError, match="step_size"):
        attack("mi-fgsm", step_size=0.0)
