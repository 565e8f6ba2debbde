import pytest
import torch

from robustkit import UsageError
from robustkit.build import attack
from robustkit.threats import Threat


def test_steps_have_the_papers_length_and_stop_at_the_ball(linear_model, linear_data):
    x, y = linear_data[0][-3:], linear_data[1][-3:]
    for steps in (1, 5):
        result = attack("bim", steps=steps, step_size=0.01)(linear_model, x, y, Threat.parse("linf:0.04"))
        assert torch.allclose(result.distance, torch.tensor(min(0.01 * steps, 0.04)), atol=1e-6)
    result = attack("bim", steps=4)(linear_model, x, y, Threat.parse("linf:0.04"))
    assert torch.allclose(result.distance, torch.tensor(0.04), atol=1e-6)
    with pytest.raises(UsageError, match="step_size=-1"):
        attack("bim", step_size=-1.0)
