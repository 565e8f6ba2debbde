"""Blurs, zooms and warps as sums of shifted or gathered pixels, so that results do not depend on the batch.

Pixel ``[i, j]`` is at row i and column j. A border defines the values outside: ``edge`` repeats the outermost pixel,
``mirror`` reflects about its centre (``dcb|abcd|cba``), ``symmetric`` about its outer side (``cba|abcd|dcb``).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from robustkit.crossing import sent

Border = Literal["edge", "mirror", "symmetric"]
Matrix = NDArray[np.float64]


def inside(index: Tensor, n: int, border: Border) -> Tensor:
    """The index in [0, n) of the pixel that the border rule uses for each integer index."""
    if border == "edge" or n == 1:
        return index.clamp(0, n - 1)
    if border == "mirror":
        folded = index.remainder(2 * n - 2)
        return torch.minimum(folded, 2 * n - 2 - folded)
    folded = index.remainder(2 * n)
    return torch.minimum(folded, 2 * n - 1 - folded)


def along(x: Tensor, matrix: Matrix, dim: int) -> Tensor:
    """The product of a matrix ``(n_out, n_in)``, with few nonzero entries per row, and one axis of `x`."""
    count = int((matrix != 0).sum(1).max())
    picked = np.argsort(matrix == 0, axis=1, kind="stable")[:, :count]
    index = sent(torch.from_numpy(picked), x.device)
    shape = [-1 if axis == dim % x.ndim else 1 for axis in range(x.ndim)]
    weight = sent(torch.from_numpy(np.take_along_axis(matrix, picked, 1)).to(x.dtype), x.device)
    total = x.index_select(dim, index[:, 0]) * weight[:, 0].reshape(shape)
    for k in range(1, count):
        total = total.addcmul_(x.index_select(dim, index[:, k]), weight[:, k].reshape(shape))
    return total


@cache
def gaussian_matrix(n: int, sigma: float, truncate: float, border: Border) -> Matrix:
    """The matrix of a Gaussian blur of n pixels, with the kernel truncated at `truncate` standard deviations."""
    radius = int(truncate * sigma + 0.5)
    offset = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offset / sigma) ** 2) if radius else np.ones(1)
    sources = inside(torch.from_numpy(np.arange(n)[:, None] + offset), n, border).numpy()
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n)[:, None], sources), kernel / kernel.sum())
    return matrix


@cache
def zoom_matrix(n: int, factor: float) -> Matrix:
    """The matrix that enlarges n pixels by linear interpolation with aligned corners and crops to the central n."""
    crop = math.ceil(n / factor)
    large = round(crop * factor)
    top, trim = (n - crop) // 2, (large - n) // 2
    place = (np.arange(n) + trim) * ((crop - 1) / (large - 1) if large > 1 else 0)
    low = np.minimum(np.floor(place).astype(int), max(crop - 2, 0))
    matrix = np.zeros((n, n))
    np.add.at(matrix, (np.arange(n), top + low), 1 - (place - low))
    np.add.at(matrix, (np.arange(n), np.minimum(top + low + 1, n - 1)), place - low)
    return matrix


@cache
def box_matrix(n_in: int, n_out: int) -> Matrix:
    """The matrix of Pillow's BOX filter: each new pixel is the mean of the old ones whose centres it covers."""
    scale = n_in / n_out
    centre = (np.arange(n_out)[:, None] + 0.5) * scale
    place = (np.arange(n_in) + 0.5 - centre) / max(scale, 1.0)
    covered = ((place > -0.5) & (place <= 0.5)).astype(np.float64)
    matrix: Matrix = covered / covered.sum(1, keepdims=True)
    return matrix


def gaussian(x: Tensor, sigma: float, *, truncate: float = 4.0, border: Border = "edge") -> Tensor:
    """`x` with a Gaussian blur of the last two axes, as in scikit-image."""
    height, width = x.shape[-2:]
    rows = along(x, gaussian_matrix(height, sigma, truncate, border), -2)
    return along(rows, gaussian_matrix(width, sigma, truncate, border), -1)


def zoom(x: Tensor, factor: float) -> Tensor:
    """The centre of each image, enlarged to the full size."""
    return along(along(x, zoom_matrix(x.shape[-2], factor), -2), zoom_matrix(x.shape[-1], factor), -1)


def correlate(x: Tensor, kernel: Matrix, border: Border = "mirror") -> Tensor:
    """The cross-correlation of the images with an odd-sized kernel. ``(B, C, H, W)``."""
    height, width = x.shape[-2:]
    up, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    rows = inside(torch.arange(-up, height + up, device=x.device), height, border)
    columns = inside(torch.arange(-left, width + left, device=x.device), width, border)
    padded = x[..., rows[:, None], columns]
    total = torch.zeros_like(x)
    for i, j in np.argwhere(kernel):
        total = total.add_(padded[..., i : i + height, j : j + width], alpha=float(kernel[i, j]))
    return total


def pick(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels ``(B, C, H', W')`` at integer rows and columns inside the image, each broadcastable to ``(B, H', W')``."""
    index = rows * x.shape[-1] + columns
    flat = index.flatten(1)[:, None].expand(-1, x.shape[1], -1)
    return x.flatten(2).gather(2, flat).reshape(len(x), x.shape[1], *index.shape[1:])


def bilinear(x: Tensor, rows: Tensor, columns: Tensor, border: Border | float) -> Tensor:
    """Bilinear samples ``(B, C, H', W')`` at positions ``(B, H', W')``; a number as border is the value outside."""
    height, width = x.shape[-2:]
    top, left = rows.floor(), columns.floor()
    down, right = (rows - top)[:, None].to(x.dtype), (columns - left)[:, None].to(x.dtype)

    def corner(row: Tensor, column: Tensor) -> Tensor:
        row, column = row.long(), column.long()
        if isinstance(border, str):
            return pick(x, inside(row, height, border), inside(column, width, border))
        known = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        return torch.where(known[:, None], pick(x, row.clamp(0, height - 1), column.clamp(0, width - 1)), border)

    upper = (1 - right) * corner(top, left) + right * corner(top, left + 1)
    lower = (1 - right) * corner(top + 1, left) + right * corner(top + 1, left + 1)
    return (1 - down) * upper + down * lower
