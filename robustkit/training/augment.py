"""Augmentation of training images, in batches on the device, with draws that depend on (seed, epoch, image)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.rng import SampleRandom


def augment(x: Tensor, sample_ids: Tensor, kinds: tuple[str, ...], seed: int) -> Tensor:
    """The images ``(B, C, H, W)``, randomly flipped (``flip``) and shifted by up to an eighth with zero padding (``crop``)."""
    random = SampleRandom(seed, "augment")
    if "flip" in kinds:
        flips = random.uniform(sample_ids, (), stream="flip") < 0.5
        x = torch.where(flips[:, None, None, None], x.flip(3), x)
    if "crop" in kinds:
        x = _shift(x, random, sample_ids)
    return x


def _shift(x: Tensor, random: SampleRandom, sample_ids: Tensor) -> Tensor:
    height, width = x.shape[2:]
    pad = max(1, min(height, width) // 8)
    offset = random.integers(sample_ids, (2,), 2 * pad + 1, stream="crop")
    rows = offset[:, :1] + torch.arange(height, device=x.device)
    columns = offset[:, 1:] + torch.arange(width, device=x.device)
    padded = functional.pad(x, (pad, pad, pad, pad))
    sample = torch.arange(len(x), device=x.device)
    # Indexing with tensors on both sides of the channel slice moves the channels last.
    return padded[sample[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
