"""A sticker trimmed to less of the sign, for success by area."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from robustkit.physical.sticker import Sticker


def trimmed(sticker: Sticker, share: float) -> Sticker:
    """The sticker with only this share of its texels: those farthest from its edge, so that every piece keeps its middle."""
    solid = sticker.alpha[0].cpu().numpy() >= 0.5
    depth = distance_transform_edt(np.pad(solid, 1))[1:-1, 1:-1]
    order = np.argsort(-np.where(solid, depth, -1).ravel(), kind="stable")
    kept = np.zeros(solid.size, dtype=bool)
    kept[order[: round(share * solid.sum())]] = True
    mask = torch.from_numpy(kept.reshape(solid.shape)).to(sticker.alpha)
    return replace(sticker, alpha=sticker.alpha * (mask if share < 1 else 1))
