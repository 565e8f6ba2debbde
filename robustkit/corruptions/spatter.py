"""Masks in [0, 1] of water drops or mud on the lens."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from robustkit.corruptions.resampling import correlate, gaussian

REACH = 20  #: distance in pixels from a drop's edge at which it reaches full thickness
EMBOSS = np.array([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]])
MEAN = np.full((3, 3), 1 / 9)


def edges(mask: Tensor) -> Tensor:
    """The pixels of a mask with one of their four neighbours outside it. Bool, in the shape of `mask`."""
    padded = torch.nn.functional.pad(mask.double(), (1, 1, 1, 1), mode="replicate").bool()
    whole = padded[..., :-2, 1:-1] & padded[..., 2:, 1:-1] & padded[..., 1:-1, :-2] & padded[..., 1:-1, 2:]
    return mask & ~whole


def distance(marked: Tensor, most: int) -> Tensor:
    """The exact distance to the nearest marked pixel, at most `most`, float64 in the shape of `marked`, ``(B, 1, H, W)``."""
    far = float(most**2)
    squared = torch.where(marked, 0.0, far).double()
    for dim in (-2, -1):
        n = squared.shape[dim]
        nearest = squared.clone()
        for shift in range(1, min(most, n)):
            here, there = nearest.narrow(dim, 0, n - shift), squared.narrow(dim, shift, n - shift)
            here.copy_(torch.minimum(here, there + shift**2))
            here, there = nearest.narrow(dim, shift, n - shift), squared.narrow(dim, 0, n - shift)
            here.copy_(torch.minimum(here, there + shift**2))
        squared = nearest
    return squared.clamp_max(far).sqrt()


def equalise(levels: Tensor, most: int) -> Tensor:
    """The images after histogram equalisation, from integer levels in [0, most] to integers in [0, 255]."""
    flat = levels.flatten(1).long()
    counts = torch.stack([(flat <= level).sum(1) for level in range(most + 1)], dim=1)
    least = counts.gather(1, flat.amin(1, keepdim=True))
    rest = (flat.shape[1] - least).clamp_min(1)
    table = ((counts - least).double() / rest * 255).round().clamp_min(0)
    return table.gather(1, flat).view_as(levels)


def water(noise: Tensor, threshold: float, thickness: float) -> Tensor:
    """A mask of water drops from smooth noise ``(B, 1, H, W)``: the distance to the drop edges, equalised and embossed, as
    published. The edges are those of the mask, which is what the published Canny edge detector finds."""
    layer = torch.where(noise < threshold, 0, noise)
    depth = correlate(distance(edges(layer > 0), REACH), MEAN).floor()
    relief = correlate(equalise(depth, REACH), EMBOSS).clamp(0, 255)
    light = layer * correlate(relief, MEAN)
    most = light.flatten(1).amax(1)[:, None, None, None]
    return light / torch.where(most > 0, most, 1) * thickness


def mud(noise: Tensor, threshold: float, softness: float) -> Tensor:
    """A mask of mud splashes with soft edges, from smooth noise ``(B, 1, H, W)``."""
    cover = gaussian((noise > threshold).double(), softness)
    return torch.where(cover < 0.8, 0, cover)
