"""Textures that are not optimised."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from robustkit.plugin import Bounds, PatchThreat, SampleRandom
from robustkit.rendering import blank_patch

Fill = Literal["grey", "black", "white", "random"]
FILLS: tuple[Fill, ...] = get_args(Fill)


def filled(fill: Fill, threat: PatchThreat, images: Tensor, bounds: Bounds, seed: int) -> Tensor:
    """A texture ``(C, h, w)`` in one colour or, if ``random``, in independent colours for every texel and channel."""
    low, high = bounds
    patch = blank_patch(threat, images, bounds)
    match fill:
        case "grey":
            return patch
        case "black":
            return torch.full_like(patch, low)
        case "white":
            return torch.full_like(patch, high)
        case "random":
            one = torch.zeros(1, dtype=torch.int64, device=patch.device)
            draw = SampleRandom(seed, "patch-control").uniform(one, patch.shape, dtype=patch.dtype)[0]
            return low + (high - low) * draw
