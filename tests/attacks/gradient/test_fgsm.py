import torch

from robustkit.build import attack
from robustkit.threats import Threat


def test_one_step_of_full_length_and_no_parameter_steps(linear_model, linear_data):
    x, y = linear_data
    for norm, eps in (("linf", 0.1), ("l2", 0.2), ("l1", 0.3)):
        threat = Threat.parse(f"{norm}:{eps}")
        result = attack("fgsm")(linear_model, x, y, threat)
        failed = result.robust
        assert torch.allclose(result.distance[failed], torch.tensor(eps))
        assert attack("fgsm").cost(threat, 2) == (3, 1)
        assert {*result.forwards[failed].tolist()} == {3}
        assert {*result.backwards[failed].tolist()} == {1}
    assert attack("fgsm").steps == 1


def test_targeted_moves_towards_the_target(linear_model, linear_data):
    x, y = linear_data
    result = attack("fgsm")(linear_model, x, y, Threat.parse("linf:0.105,targeted"), targets=1 - y)
    assert result.success.tolist() == [True] * 10 + [False] * 10
