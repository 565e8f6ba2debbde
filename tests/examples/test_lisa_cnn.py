"""RP2's victim."""

from __future__ import annotations

import torch

from examples.lisa_cnn import LisaCNN


def test_it_takes_small_colour_images() -> None:
    assert LisaCNN()(torch.rand(2, 3, 32, 32)).shape == (2, 18)
