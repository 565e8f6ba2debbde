import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter

from robustkit.defenses.preprocess.median import Median
from robustkit.errors import UsageError


@pytest.mark.parametrize("size", [3, 5])
def test_agrees_with_scipy(size: int) -> None:
    x = torch.rand(2, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    smooth = Median(size=size)(x, (0.0, 1.0))
    for image, result in zip(x, smooth, strict=True):
        for channel, expected in zip(image, result, strict=True):
            np.testing.assert_array_equal(median_filter(channel.numpy(), size=size, mode="mirror"), expected.numpy())


def test_gradient_goes_only_to_the_medians() -> None:
    x = torch.rand(1, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda image: Median(size=3)(image, (0.0, 1.0)), x)
    (grad,) = torch.autograd.grad(Median(size=3)(x, (0.0, 1.0)).sum(), x)
    assert grad.sum() == 36  # each of the 36 outputs is one input's value
    assert (grad == grad.round()).all()


@pytest.mark.parametrize("size", [0, 1, 4, -3])
def test_refuses_a_window_without_a_middle(size: int) -> None:
    with pytest.raises(UsageError, match="odd integer of at least 3"):
        Median(size=size)


def test_refuses_a_window_larger_than_the_image() -> None:
    with pytest.raises(UsageError, match="does not fit into images of 4 x 9"):
        Median(size=5)(torch.rand(1, 1, 4, 9), (0.0, 1.0))
