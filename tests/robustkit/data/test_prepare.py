"""A decoded image becomes a model's input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from robustkit import Model
from robustkit.data import load_data
from robustkit.data.prepare import prepare
from robustkit.errors import UsageError
from robustkit.projections import Bounds
from robustkit.spec import InputSpec


def test_black_and_white_become_the_bounds_of_the_model():
    shades = Image.fromarray(np.array([[0, 51, 255]], np.uint8))
    assert prepare(shades, InputSpec(1, bounds=(-1, 1))).flatten().tolist() == pytest.approx([-1, -0.6, 1])
    assert prepare(torch.tensor([[[0, 0.5, 1]]]), InputSpec(1, bounds=(0, 255))).flatten().tolist() == [0, 127.5, 255]


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 1), (0, 255)])
def test_a_model_of_other_bounds_sees_the_same_images(bounds: Bounds):
    low, high = bounds
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), spec=InputSpec(1), bounds=bounds, device="cpu")
    x = next(load_data("builtin/fashion", limit=8).batches(model.spec, 8)).x
    plain = next(load_data("builtin/fashion", limit=8).batches(InputSpec(1), 8)).x
    assert torch.allclose((x - low) / (high - low), plain, atol=1e-6)
    model.check_images(x)


@pytest.mark.parametrize("image", [Image.new("RGB", (2, 2)), torch.rand(3, 2, 2)])
def test_files_have_one_or_three_channels(image: Image.Image | Tensor):
    with pytest.raises(UsageError, match="takes images with 4 channels, but image files have 1 or 3"):
        prepare(image, InputSpec(4))
