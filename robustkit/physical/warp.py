"""A flat sticker as a camera sees it: every pixel holds the mean light of the texels that it covers.

Pixels are averaged and blended in linear light, as a sensor does it; textures and pictures are sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError
from robustkit.physical.pose import project

#: Samples along a texel's side where a view shows it smallest: with one, finely patterned textures are off by several 1/255.
SAMPLES_PER_TEXEL = 2

#: Samples of a texture that one call may hold; more are rendered in bands of rows, and again in the backward pass.
CHUNK = 2**22


def warp(
    texture: Tensor, alpha: Tensor, homography: Tensor, *, size_cm: tuple[float, float], size_px: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """A texture as each view shows it, before it is put into a picture; differentiable in all tensors.

    A pixel is the mean of samples that are at most half a texel apart, so no texel is skipped however small the sign is, and each
    receives gradients. A view's result does not depend on the others in the batch.

    Parameters
    ----------
    texture
        sRGB in [0, 1], ``(3, h, w)``, or one for each view, ``(B, 3, h, w)``.
    alpha
        Opacity in [0, 1], ``(1, h, w)`` or ``(B, 1, h, w)``.
    homography
        From cm on the sign to pixels, ``(B, 3, 3)``; on the CPU it costs no synchronisation.
    size_cm
        Width and height that the texture covers, centred on the sign's origin.
    size_px
        Height and width of the picture.

    Returns
    -------
    The colour in linear light times the opacity, ``(B, 3, H, W)``, and the opacity, ``(B, 1, H, W)``.

    Raises
    ------
    UsageError
        If part of the sign is not in front of the camera.
    """
    layers = torch.cat([srgb_to_linear(texture) * alpha, alpha.expand_as(texture[..., :1, :, :])], -3)
    layers = layers.expand(len(homography), *layers.shape[-3:])
    half = torch.tensor([size_cm[0] / 2, size_cm[1] / 2, 1.0], dtype=torch.float64, device=homography.device)
    to_px = homography.double() * half
    windows = _windows(to_px.detach(), (layers.shape[-2], layers.shape[-1]), size_px)
    lean = sum(window.samples for window in windows) > CHUNK and torch.is_grad_enabled()
    shown = []
    for layer, window, from_px in zip(layers, windows, torch.linalg.inv(to_px), strict=True):
        bands = [
            checkpoint(_render, layer[None], from_px, band, use_reentrant=False, preserve_rng_state=False)
            if lean
            else _render(layer[None], from_px, band)
            for band in window.bands()
        ]
        right, below = size_px[1] - window.left - window.width, size_px[0] - window.top - window.height
        shown.append(F.pad(torch.cat(bands, 2), (window.left, right, window.top, below)))
    view = torch.cat(shown)
    return view[:, :3], view[:, 3:]


def composite(frames: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """The pictures with what `warp` gave put over them in linear light, sRGB in [0, 1].

    Pixels without opacity are those of `frames`, bit for bit. Light beyond white saturates, but its gradient passes.
    """
    blended = linear_to_srgb(colour + (1 - alpha) * srgb_to_linear(frames))
    # Rounding can exceed 1, and a clamp would take a white texel's gradient away.
    blended = blended + (blended.clamp(0, 1) - blended).detach()
    return torch.where(alpha > 0, blended, frames)


@dataclass(frozen=True)
class _Window:
    """The pixels that a view can touch, and the samples along each pixel's sides."""

    top: int
    left: int
    height: int
    width: int
    down: int
    across: int

    @property
    def samples(self) -> int:
        return self.height * self.down * self.width * self.across

    def bands(self) -> list[_Window]:
        """Its parts of at most `CHUNK` samples or one row each."""
        rows = max(1, CHUNK // (self.width * self.across * self.down))
        return [
            _Window(self.top + row, self.left, min(rows, self.height - row), self.width, self.down, self.across)
            for row in range(0, self.height, rows)
        ]


def _windows(to_px: Tensor, texels: tuple[int, int], size_px: tuple[int, int]) -> list[_Window]:
    """The window of each view; `to_px` maps the texture, from -1 to 1 on both axes, to pixels."""
    rows, columns = texels
    # Interpolation spreads the outermost texels by half a texel.
    x, y = 1 + 1 / columns, 1 + 1 / rows
    points = to_px.new_tensor([[-x, -y], [x, -y], [x, y], [-x, y], [0, 0]])
    depth = points @ to_px[:, 2, :2, None] + to_px[:, 2, 2, None, None]
    if not bool((depth > 0).all()):
        raise UsageError("part of the sign is behind the camera: give a longer distance or a smaller angle")
    pixels = project(to_px, points)
    jacobian = (to_px[:, None, :2, :2] - pixels[..., None] * to_px[:, None, 2:, :2]) / depth[..., None]
    texels_per_px = torch.linalg.inv(jacobian) * to_px.new_tensor([columns / 2, rows / 2])[:, None]
    # A view larger than the texture still needs the mean over each pixel of what is interpolated.
    fineness = (SAMPLES_PER_TEXEL * texels_per_px.norm(dim=2).amax(1)).ceil().clamp(min=2)
    corners = pixels[:, :4]
    limit = to_px.new_tensor([size_px[1], size_px[0]])
    first = torch.minimum(corners.amin(1).floor().clamp(min=0), limit - 1)
    last = torch.maximum(torch.minimum(corners.amax(1).ceil(), limit), first + 1)
    plan = torch.cat([first, last - first, fineness], 1).long().tolist()
    return [_Window(top, left, height, width, down, across) for left, top, width, height, across, down in plan]


def _render(layer: Tensor, from_px: Tensor, window: _Window) -> Tensor:
    """The means over the pixels of one window, ``(1, 4, height, width)``."""
    # The origin moves to the window in double precision: single precision is enough within it.
    shift = torch.eye(3, dtype=from_px.dtype, device=from_px.device)
    shift[0, 2], shift[1, 2] = window.left, window.top
    matrix = (from_px @ shift).to(layer)
    x = (torch.arange(window.width * window.across, dtype=layer.dtype, device=layer.device) + 0.5) / window.across
    y = (torch.arange(window.height * window.down, dtype=layer.dtype, device=layer.device) + 0.5)[:, None] / window.down
    u, v, depth = (row[0] * x + row[1] * y + row[2] for row in matrix)
    grid = torch.stack([u / depth, v / depth], -1)[None]
    samples = F.grid_sample(layer, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(samples, (window.down, window.across))
