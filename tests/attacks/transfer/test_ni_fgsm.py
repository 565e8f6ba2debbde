import pytest
import torch

from robustkit.build import attack
from robustkit.contracts.classification import CLASSIFICATION
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Batch
from robustkit.rng import SampleRandom
from robustkit.threats import Threat


@pytest.mark.parametrize(("norm", "lengths"), [("linf", (0.3, 0.1)), ("l2", (0.15, 0.05))])
def test_queries_the_point_one_decayed_step_ahead(norm, lengths):
    x = torch.full((1, 1, 2, 2), 0.5)
    one = torch.ones(1, dtype=torch.int64)
    batch = Batch(
        samples=Samples(x, one, one),
        criterion=CLASSIFICATION,
        attempt=one,
        clean_logits=None,
        threat=Threat.parse(f"{norm}:0.8"),
        bounds=(0.0, 1.0),
        random=SampleRandom(0, "ni-fgsm"),
    )
    built = attack("ni-fgsm", steps=2, decay=0.5)
    state = built.start(batch)
    assert torch.equal(built.view(batch, state, state.x_adv), x)
    # Magnitudes with mean 1 are 1.5 and 0.5; the step length is 0.4, and the look-ahead is half a step.
    state.velocity = torch.tensor([3.0, -1.0, 3.0, -1.0]).reshape(x.shape) / 8
    ahead = built.view(batch, state, state.x_adv) - x
    far, near = lengths
    assert torch.allclose(ahead.flatten(), torch.tensor([far, -near, far, -near]))
