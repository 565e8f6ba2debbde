import torch

from robustkit.attacks.minimum_norm.adam import moments


def test_steps_are_those_of_torchs_adam():
    grads = torch.randn(6, 2, 1, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = torch.nn.Parameter(torch.zeros(2, 1, 2, 3, dtype=torch.float64))
    adam = torch.optim.Adam([theirs], lr=0.1)
    ours = mean = square = torch.zeros(2, 1, 2, 3, dtype=torch.float64)
    for step, grad in enumerate(grads):
        theirs.grad = grad
        adam.step()
        mean, square, numerator, denominator = moments(mean, square, grad, torch.full((2,), step))
        ours = ours - 0.1 * numerator / denominator
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_samples_may_be_at_different_steps():
    zero, grad = torch.zeros(2, 1, 1, 1), torch.tensor([2.0, 3.0])[:, None, None, None]
    mean, square, *_ = moments(zero, zero, grad, torch.tensor([0, 0]))
    _, _, numerator, denominator = moments(mean, square, grad, torch.tensor([0, 1]))
    # The second sample saw the same gradient twice, so bias correction gives exactly that gradient.
    assert torch.allclose((numerator / denominator)[1], torch.ones(()))
    assert torch.allclose(numerator[0], torch.tensor(2 * 1.9))
