"""The difference between two colours as people see it, for reports."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import deltaE_ciede2000
from torch import Tensor

from robustkit.colour import srgb_to_lab


def delta_e_2000(first: Tensor, second: Tensor) -> Tensor:
    """CIEDE2000 between sRGB colours ``(..., 3)``; about 1 is just noticeable. No gradients: see `printability_distance`."""
    lab = [srgb_to_lab(colours.detach().cpu().double(), dim=-1).numpy() for colours in (first, second)]
    difference = deltaE_ciede2000(*lab)  # type: ignore[no-untyped-call]
    return torch.from_numpy(np.asarray(difference)).to(first)
