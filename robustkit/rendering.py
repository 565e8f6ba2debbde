"""Rendering of a sticker into an image: anti-aliased alpha blending, differentiable in the sticker.

A patch is a texture ``(C, h, w)``; a `Placement` gives its position, size, rotation and brightness in each sample. The
renderer never changes more pixels than the given size allows, and leaves all other pixels bit-identical.
Lengths are in pixels; a point ``(x, y)`` has x to the right and y downwards, and pixel ``[i, j]`` has its centre at
``(j + 0.5, i + 0.5)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from robustkit.crossing import constant
from robustkit.projections import Bounds, clip, per_sample
from robustkit.rng import SampleRandom
from robustkit.threats.patch import PatchThreat, Shape
from robustkit.universal import Fitted


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The placement of the sticker, one row per sample.

    Parameters
    ----------
    center
        ``(B, 2)``: the sticker's centre as (x, y) in pixels.
    size
        ``(B,)``: side of the square, or diameter of the circle, in pixels.
    angle
        ``(B,)``: rotation in radians, clockwise in the image.
    brightness
        ``(B,)``: brightness factor, 1 for unchanged.
    """

    center: Tensor
    size: Tensor
    angle: Tensor
    brightness: Tensor


@dataclass(frozen=True, kw_only=True)
class PlacementRange:
    """The range of placements that a sticker must work under.

    Without rotation and at full size a sticker lies on the pixel grid, so that a square covers all that the threat allows and
    has hard edges. Elsewhere its soft edge counts too, and it is smaller.

    Parameters
    ----------
    rotation
        Maximum rotation in either direction, in degrees.
    scale
        Minimum size relative to the largest that the threat allows, in (0, 1].
    brightness
        Maximum relative change of brightness in either direction.
    """

    rotation: float = 0.0
    scale: float = 1.0
    brightness: float = 0.0

    def draw(
        self, threat: PatchThreat, images: Tensor, sample_ids: Tensor, random: SampleRandom, step: Tensor | int = 0
    ) -> Placement:
        """A uniformly drawn placement for each image ``(B, C, H, W)``, a function of seed, sample id and step alone."""
        return self.at(threat, images, self.shares(sample_ids, random, step))

    @staticmethod
    def shares(sample_ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Tensor:
        """Uniform shares in [0, 1) of the ranges of rotation, scale, brightness, x and y, float64 ``(B, 5)``."""
        return random.uniform(sample_ids, (5,), step=step, stream="placement", dtype=torch.float64)

    def at(self, threat: PatchThreat, images: Tensor, shares: Tensor) -> Placement:
        """The placement in each image at these shares ``(B, 5)`` of the ranges, as from `shares`."""
        height, width = images.shape[2:]
        u = shares.to(images.dtype)
        angle = math.radians(self.rotation) * (2 * u[:, 0] - 1)
        size = largest_size(threat.pixels(height, width), threat.shape) * (self.scale + (1 - self.scale) * u[:, 1])
        brightness = 1 + self.brightness * (2 * u[:, 2] - 1)
        frame = constant([width, height], images)
        middle = (frame / 2).expand(len(images), 2)
        if self.rotation == 0 and self.scale == 1:
            sides = outline(threat, height, width).shape
            corner = corners(threat, (height, width), sides, u[:, 3:])
            window = constant([sides[1], sides[0]], images)
            size = torch.full_like(size, sides[0]) if threat.shape == "square" else size
            return Placement(center=corner + window / 2, size=size, angle=angle, brightness=brightness)
        if threat.placement == "random":
            reach = size / 2 * (angle.cos().abs() + angle.sin().abs() if threat.shape == "square" else 1)
            middle = middle + (frame - 2 * reach[:, None]).clamp_min(0) * (u[:, 3:] - 0.5)
        return Placement(center=middle, size=size, angle=angle, brightness=brightness)


def corners(threat: PatchThreat, image: tuple[int, int], window: tuple[int, ...], share: Tensor) -> Tensor:
    """The top left corner ``(B, 2)``, as whole (x, y), of a window in an image, both (height, width).

    `share` ``(B, 2)`` in [0, 1) chooses among all positions; a sticker of fixed place is in the middle.
    """
    room = constant([image[1] - window[1], image[0] - window[0]], share)
    return (room / 2).floor().expand_as(share) if threat.placement == "center" else (share * (room + 1)).floor()


@cache
def outline(threat: PatchThreat, height: int, width: int) -> Tensor:
    """The pixels of the largest sticker on the pixel grid, bool ``(h, w)``: of every window with this mask the threat allows all."""
    pixels = threat.pixels(height, width)
    if threat.shape == "square":
        return torch.ones(math.isqrt(pixels), math.isqrt(pixels), dtype=torch.bool)
    size = largest_size(pixels, threat.shape)
    # As even or odd as the image, so that the middle of one can be the middle of the other.
    rows, columns = (full - 2 * max(math.floor((full - size - 1) / 2), 0) for full in (height, width))
    middle = Placement(
        center=torch.tensor([[columns / 2, rows / 2]]),
        size=torch.tensor([size]),
        angle=torch.zeros(1),
        brightness=torch.ones(1),
    )
    return cover(torch.empty(1, 1, rows, columns), threat.shape, middle)[0, 0] > 0


def largest_size(pixels: int, shape: Shape) -> float:
    """The side or diameter at which a sticker covers at most `pixels` pixels at any position and rotation.

    Covered pixels have their centre within half a pixel of the sticker: lattice points in a convex body of area A and
    perimeter P, of which there are at most A + P / 2 + 1 (Pick's theorem for their hull).
    """
    match shape:
        case "circle":  # with R = radius + half a pixel: pi R^2 + pi R + 1
            size = math.sqrt(1 + 4 * (pixels - 1) / math.pi) - 2
        case "square":  # with side a and corners rounded by half a pixel: a^2 + 2 a + pi / 4 + (4 a + pi) / 2 + 1
            size = math.sqrt(3 - 3 * math.pi / 4 + pixels) - 2
    return max(size - 1e-3, 0.0)  # a thousandth of a pixel for float rounding


def render(x: Tensor, patch: Tensor, shape: Shape, placement: Placement, bounds: Bounds) -> tuple[Tensor, Tensor]:
    """The images with a patch: ``(1 - alpha) * x + alpha * patch`` where alpha is above 0, and `x` elsewhere.

    Differentiable in `patch`. The texture's resolution should be about that of the sticker in the image; a much finer one
    is sampled, not averaged.

    Parameters
    ----------
    x
        Images ``(B, C, H, W)`` in `bounds`.
    patch
        Texture ``(C, h, w)`` in `bounds`, or one for each image ``(B, C, h, w)``, stretched over the square around the sticker.
    shape
        ``square`` or ``circle``.
    placement
        One row per image.
    bounds
        Minimum and maximum pixel value.

    Returns
    -------
    The images with the patch, ``(B, C, H, W)``, and alpha, ``(B, 1, H, W)`` in [0, 1].
    """
    low, _ = bounds
    local = _local(x, placement)
    alpha = cover(x, shape, placement)
    half = (placement.size / 2).clamp_min(torch.finfo(x.dtype).tiny)
    grid = local / half[:, None, None, None]
    texture = patch.to(x.dtype).expand(len(x), -1, -1, -1)
    color = functional.grid_sample(texture, grid, mode="bilinear", padding_mode="border", align_corners=False)
    color = clip(low + per_sample(placement.brightness, x) * (color - low), bounds)
    blended = clip((1 - alpha) * x + alpha * color, bounds)
    return torch.where(alpha > 0, blended, x), alpha


def cover(x: Tensor, shape: Shape, placement: Placement) -> Tensor:
    """The sticker's alpha in each image ``(B, 1, H, W)``; the pixels that it changes are those above 0."""
    return coverage(_local(x, placement), placement.size, shape)[:, None]


def _local(x: Tensor, placement: Placement) -> Tensor:
    """Each pixel's centre in the sticker's coordinates: from its centre, rotated with it, in pixels. ``(B, H, W, 2)``."""
    height, width = x.shape[2:]
    across = torch.arange(width, dtype=x.dtype, device=x.device) + 0.5 - placement.center[:, :1]
    down = torch.arange(height, dtype=x.dtype, device=x.device) + 0.5 - placement.center[:, 1:]
    dx, dy = across[:, None, :], down[:, :, None]
    cos, sin = placement.angle.cos()[:, None, None], placement.angle.sin()[:, None, None]
    return torch.stack([cos * dx + sin * dy, cos * dy - sin * dx], dim=-1)


def coverage(local: Tensor, size: Tensor, shape: Shape) -> Tensor:
    """Alpha of points ``(B, H, W, 2)`` in a sticker's coordinates: 1 inside, decreasing to 0 over one pixel at the edge."""
    half = (size / 2)[:, None, None]
    if shape == "circle":
        beyond: Tensor = torch.linalg.vector_norm(local, dim=-1) - half
    else:
        outside = local.abs() - half[..., None]
        beyond = torch.linalg.vector_norm(outside.clamp_min(0), dim=-1) + outside.amax(-1).clamp_max(0)
    return (0.5 - beyond).clamp(0, 1)


def blank_patch(threat: PatchThreat, images: Tensor, bounds: Bounds) -> Tensor:
    """A mid-grey patch ``(C, h, h)`` with the resolution of the largest sticker in these images."""
    _, channels, height, width = images.shape
    pixels = threat.pixels(height, width)
    edge = math.isqrt(pixels) if threat.shape == "square" else max(1, math.ceil(largest_size(pixels, threat.shape)))
    return torch.full((channels, edge, edge), sum(bounds) / 2, dtype=images.dtype, device=images.device)


def cutout(shape: Shape, edge: int = 128) -> Tensor:
    """The sticker's shape as alpha ``(edge, edge)``, for pictures."""
    axis = torch.arange(edge) + 0.5 - edge / 2
    local = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    return coverage(local, torch.tensor([float(edge)]), shape)[0]


def patch_picture(fitted: Fitted, bounds: Bounds) -> npt.NDArray[np.uint8]:
    """A fitted patch as a picture ``(H, W, 3)`` on white, interpolated as in rendering.

    `fitted` holds ``patch`` ``(C, h, w)`` in `bounds` and ``alpha`` ``(H, W)`` in [0, 1].
    """
    alpha = fitted["alpha"].detach().cpu().float()
    patch = fitted["patch"].detach().cpu().float()[None]
    color = functional.interpolate(patch, size=alpha.shape, mode="bilinear", align_corners=False)[0]
    share = ((color - bounds[0]) / (bounds[1] - bounds[0])).clamp(0, 1).expand(3, -1, -1)
    picture: npt.NDArray[np.uint8] = (255 * (alpha * share + 1 - alpha)).round().byte().permute(1, 2, 0).numpy()
    return picture
