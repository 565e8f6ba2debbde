import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from scipy.stats import norm

from robustkit import UsageError
from robustkit.attacks.transfer.ti_fgsm import blur
from robustkit.build import attack


@pytest.mark.parametrize("size", [3, 7, 15])
def test_the_blur_is_the_gaussian_of_the_paper(size):
    grad = torch.randn((2, 3, 9, 12), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = norm.pdf(np.linspace(-3, 3, size))
    expected = grad.numpy()
    for axis in (2, 3):
        expected = correlate1d(expected, weights / weights.sum(), axis=axis, mode="constant")
    assert np.allclose(blur(grad, size).numpy(), expected, atol=1e-12)


def test_one_pixel_is_no_blur():
    grad = torch.randn(2, 3, 4, 4)
    assert torch.equal(blur(grad, 1), grad)


@pytest.mark.parametrize("size", [0, 4, -3])
def test_wrong_parameters(size):
    with pytest.raises(UsageError, match="odd"):
        attack("ti-fgsm", kernel_size=size)
