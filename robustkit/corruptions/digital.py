"""Digital corruptions: pixelation, JPEG and elastic transforms (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.corruptions.resampling import along, bilinear, box_matrix, gaussian
from robustkit.corruptions.severity import is_small, strength
from robustkit.crossing import constant


def pixelate(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images downscaled, and upscaled to the original size in blocks."""
    share = strength(x, severity, (0.6, 0.5, 0.4, 0.3, 0.25), (0.95, 0.9, 0.85, 0.75, 0.65))
    for dim in (-2, -1):
        n = x.shape[dim]
        fewer = max(1, int(n * share))
        x = along(along(x, box_matrix(n, fewer), dim), box_matrix(fewer, n), dim)
    return x


def jpeg_compression(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images after JPEG compression by Pillow, in 8 bits, on the CPU. Unless there are 3, channels are compressed separately."""
    quality = strength(x, severity, (25, 18, 15, 10, 7), (80, 65, 58, 50, 40))
    coloured = x.shape[1] == 3
    pixels = (x * 255).round().clamp(0, 255).to("cpu", torch.uint8)
    pictures = pixels.permute(0, 2, 3, 1) if coloured else pixels.flatten(0, 1)
    decoded = np.stack([_jpeg(picture.numpy(), quality) for picture in pictures])
    restored = torch.from_numpy(decoded).to(x.device, x.dtype) / 255
    return restored.permute(0, 3, 1, 2).contiguous() if coloured else restored.view_as(x)


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def elastic_transform(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images after a random affine map, which moves three points, and a random smooth displacement of every pixel."""
    height, width = x.shape[-2:]
    # The published lengths for ImageNet are multiples of 244 for images of 224 pixels, those for CIFAR multiples of the side.
    side = min(height, width) * (1.0 if is_small(x) else 244 / 224)
    alpha, sigma, affine = strength(
        x,
        severity,
        ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)),
        ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    )
    rows, columns = _affine(x, draws.between(-affine * side, affine * side, (3, 2), "affine"))
    x = bilinear(x, rows, columns, "mirror")
    shift = draws.between(-1, 1, (2, height, width), "displacement")
    shift = gaussian(shift, sigma * side, truncate=3.0, border="symmetric") * (alpha * side)
    rows = torch.arange(height, device=x.device)[:, None] + shift[:, 0]
    columns = torch.arange(width, device=x.device) + shift[:, 1]
    return bilinear(x, rows, columns, "symmetric")


def _affine(x: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """The source position of each pixel, (rows, columns), for an affine map that moves three points by ``(B, 3, 2)`` (x, y)."""
    height, width = x.shape[-2:]
    reach = min(height, width) // 3
    corners = constant([[1, 1], [1, -1], [-1, -1]], moves)
    old = constant([width // 2, height // 2], moves) + reach * corners
    new = old + moves
    origin, one, two = (part[:, :, None, None] for part in (new[:, 0], new[:, 1] - new[:, 0], new[:, 2] - new[:, 0]))
    across = torch.arange(width, device=x.device, dtype=moves.dtype) - origin[:, 0]
    down = torch.arange(height, device=x.device, dtype=moves.dtype)[:, None] - origin[:, 1]
    # A pixel has the same coordinates relative to the new triangle as its source relative to the old one.
    area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    first = (across * two[:, 1] - down * two[:, 0]) / area
    second = (one[:, 0] * down - one[:, 1] * across) / area
    column, row = (old[0, k] + first * (old[1, k] - old[0, k]) + second * (old[2, k] - old[0, k]) for k in (0, 1))
    return row, column
