"""Random draws of decision-based attacks, one per query, for random images and random directions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from robustkit.plugin import Batch, per_sample


def uniform_noise(batch: Batch, step: Tensor | int, stream: str = "") -> Tensor:
    """Uniform draws from 256 levels in [-1, 1], shaped like the images ``(B, C, H, W)``, from one random byte per element."""
    shape = tuple(batch.x.shape[1:])
    count = math.prod(shape)
    words = batch.random.bits(batch.sample_ids, ((count + 3) // 4,), attempt=batch.attempt, step=step, stream=stream)
    levels = (words[:, :, None] >> torch.arange(0, 32, 8, device=words.device)) & 255
    return (levels.flatten(1)[:, :count].to(batch.x.dtype) / 127.5 - 1).reshape(-1, *shape)


def coarsen(noise: Tensor, number: Tensor) -> Tensor:
    """Noise in blocks of 1, 2, 4, ... pixels, up to the whole image, cycling with `number`, integers ``(B,)``.

    Networks usually assign all fine noise to one class, so for images of this class it gives no starting point; the classes of
    coarse noise vary.
    """
    height, width = noise.shape[2:]
    sizes = (max(height, width) - 1).bit_length() + 1
    block = (2 ** (number % sizes))[:, None]
    for dim in (2, 3):
        index = torch.arange(noise.shape[dim], device=noise.device)
        index = index - index % block
        noise = noise.gather(dim, (index[:, None, :, None] if dim == 2 else index[:, None, None, :]).expand_as(noise))
    return noise


def noise_image(batch: Batch, noise: Tensor, number: Tensor) -> Tensor:
    """Random images ``(B, C, H, W)`` within the bounds."""
    low, high = batch.bounds
    return low + (high - low) * (coarsen(noise, number) + 1) / 2


def along(start: Tensor, length: Tensor, direction: Tensor) -> Tensor:
    """`start` plus `direction`, ``(B, ...)``, scaled by the lengths ``(B,)``."""
    return start + per_sample(length, direction) * direction
