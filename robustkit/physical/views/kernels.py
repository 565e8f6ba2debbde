"""Blur by a kernel of its own for each image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def offsets(reach: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """The x ``(k,)`` and y ``(k, 1)`` of a kernel's elements from its centre, with ``k = 2 * reach + 1``."""
    line = torch.arange(-reach, reach + 1, dtype=like.dtype, device=like.device)
    return line, line[:, None]


def blurred(images: Tensor, weights: Tensor) -> Tensor:
    """Images ``(B, C, H, W)`` convolved with kernels ``(B, k, k)``, scaled to sum 1; the outermost pixels continue outside."""
    count, channels, height, width = images.shape
    size = weights.shape[-1]
    kernels = weights / weights.sum((1, 2), keepdim=True)
    padded = functional.pad(images, [size // 2] * 4, mode="replicate")
    rows = padded.reshape(1, count * channels, *padded.shape[2:])
    each = kernels.repeat_interleave(channels, 0, output_size=count * channels)[:, None]
    return functional.conv2d(rows, each, groups=count * channels).reshape(count, channels, height, width)
