"""A procedural texture of ice, instead of the published set's photographs, which are not included."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.corruptions.plasma import plasma
from robustkit.crossing import constant

CRYSTALS = 20
TINT = (0.86, 0.94, 1.0)


def frost_texture(height: int, width: int, draws: Draws) -> Tensor:
    """An ice texture of needles from random seeds, with thickness given by a fractal: float64 ``(B, 3, H, W)`` in [0, 1]."""
    cover = plasma(height, width, 1.7, draws, "cover")
    grain = plasma(height, width, 1.2, draws, "grain")
    veins = 1 - (4 * plasma(height, width, 1.5, draws, "veins") % 2 - 1).abs()
    ice = 0.25 * cover + cover * (0.75 * needles(height, width, draws) + 0.35 * veins**3) + 0.5 * (grain - 0.5) * cover
    tint = constant(TINT, ice)[:, None, None]
    return (1.9 * ice * tint).clamp(0, 1)


def needles(height: int, width: int, draws: Draws) -> Tensor:
    """Crystals that radiate from random seeds with branches, distorted by a fractal: ``(B, 1, H, W)`` in [0, 1]."""
    side = max(height, width)
    seeds = draws.between(-0.2, 1.2, (2, CRYSTALS), "seeds")
    down = torch.arange(height, device=seeds.device)[:, None] / side - seeds[:, 0, :, None, None]
    right = torch.arange(width, device=seeds.device) / side - seeds[:, 1, :, None, None]
    warp = plasma(height, width, 1.6, draws, "warp") - 0.5
    away = (down + 0.3 * warp) ** 2 + (right - 0.3 * warp) ** 2
    nearest = away.argmin(1, keepdim=True)
    down, right = (part.expand(-1, -1, height, width).gather(1, nearest) for part in (down, right))
    radius = (down**2 + right**2).sqrt()
    spokes = 18 * torch.atan2(down, right) / (2 * math.pi) + 3 * warp
    stem = 1 - (2 * (spokes % 1) - 1).abs()  # 1 on a spoke, 0 halfway between two
    barbs = 1 - (2 * ((40 * radius + 1.5 * stem + 4 * warp) % 1) - 1).abs()
    return torch.maximum(stem**4, 0.8 * barbs**2 * stem)
