"""Images and labels that a model can be asked about."""

import pytest
import torch

from robustkit import UsageError
from robustkit.images import check_images


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.rand(3, 4, 4), "expected \\(batch"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "divide bytes by 255"),
        (255 * torch.ones(1, 3, 4, 4), "divide by 255"),
        (-torch.ones(1, 3, 4, 4), "already normalised"),
        (1.5 * torch.ones(1, 3, 4, 4), "clip them"),
        (torch.full((1, 3, 4, 4), torch.nan), "NaN"),
    ],
)
def test_images_that_cannot_be_meant(x, says):
    with pytest.raises(UsageError, match=says):
        check_images(x, (0.0, 1.0))


def test_the_walls_and_what_rounding_adds_are_inside():
    x = torch.tensor([-1e-7, 0.0, 1.0, 1 + 1e-7], dtype=torch.float64).reshape(1, 1, 2, 2)
    check_images(x, (0.0, 1.0))
    check_images(255 * x, (0.0, 255.0))
    check_images(torch.zeros(0, 3, 4, 4), (0.0, 1.0))


@pytest.mark.parametrize(
    ("y", "says"),
    [
        (torch.zeros(3, dtype=torch.int64), "expected 2 integers"),
        (torch.zeros(2), "expected 2 integers"),
        (torch.tensor([0, 3]), r"labels span 0 to 3, but the model has 3 classes"),
        (torch.tensor([-1, 0]), r"labels span -1 to 0"),
    ],
)
def test_labels_that_are_none(y, says):
    with pytest.raises(UsageError, match=says):
        check_images(torch.rand(2, 1, 2, 2), (0.0, 1.0), y, 3)
