import torch

from robustkit.gradients import is_broken, is_masked


def test_what_an_attack_cannot_follow():
    grad = torch.tensor([[1.0, 0.0], [1e-13, 0.0], [torch.nan, 1.0], [-torch.inf, 1.0], [torch.inf, torch.nan]]).reshape(
        5, 1, 1, 2
    )
    assert is_masked(grad).tolist() == [False, True, True, True, True]
    assert is_broken(grad).tolist() == [False, False, True, True, True]
    assert is_masked(torch.stack([grad, grad.flip(0)], 1)).tolist() == [True, True, True, True, True]
