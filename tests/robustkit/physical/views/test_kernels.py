import pytest
import torch

from robustkit.physical.views.kernels import blurred, offsets


def test_each_image_has_its_own_kernel():
    x = torch.zeros(2, 2, 5, 5)
    x[:, :, 2, 2] = torch.tensor([1.0, 3.0])
    across, alone = torch.tensor([[0.0, 0, 0], [1, 2, 1], [0, 0, 0]]), torch.tensor([[0.0, 0, 0], [0, 5, 0], [0, 0, 0]])
    y = blurred(x, torch.stack([across, alone]))
    assert y[0, 0, 2].tolist() == [0, 0.25, 0.5, 0.25, 0]
    assert y[0, 1, 2].tolist() == [0, 0.75, 1.5, 0.75, 0]
    assert torch.equal(y[1], x[1])


@pytest.mark.parametrize("size", [1, 3, 9])
def test_a_constant_stays_one_up_to_the_border(size):
    y = blurred(torch.full((2, 3, 4, 6), 0.7), torch.rand(2, size, size))
    assert torch.allclose(y, torch.full((2, 3, 4, 6), 0.7), atol=1e-6)


def test_offsets_are_from_the_centre():
    x, y = offsets(1, torch.zeros(()))
    assert x.tolist() == [-1, 0, 1]
    assert y.tolist() == [[-1], [0], [1]]
