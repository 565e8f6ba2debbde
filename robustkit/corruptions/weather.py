"""Weather corruptions: snow, frost, fog and spatter (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.colour import luminance
from robustkit.corruptions.draws import Draws
from robustkit.corruptions.frost import frost_texture
from robustkit.corruptions.motion import motion
from robustkit.corruptions.plasma import plasma
from robustkit.corruptions.resampling import gaussian, zoom
from robustkit.corruptions.severity import strength
from robustkit.corruptions.spatter import mud, water
from robustkit.crossing import constant

WATER = (175 / 255, 238 / 255, 238 / 255)
MUD = (63 / 255, 42 / 255, 20 / 255)


def coloured(x: Tensor, colour: tuple[float, float, float]) -> Tensor:
    """The colour for RGB images `x`, else its luminance. ``(1, C, 1, 1)``."""
    one = constant(colour, x)[None, :, None, None]
    return one if x.shape[1] == 3 else luminance(one)


def snow(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images, made paler, with motion-blurred snowflakes."""
    mean, width, size, threshold, radius, sigma, share = strength(
        x,
        severity,
        (
            (0.1, 0.3, 3.0, 0.5, 10, 4.0, 0.8),
            (0.2, 0.3, 2.0, 0.5, 12, 4.0, 0.7),
            (0.55, 0.3, 4.0, 0.9, 12, 8.0, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8.0, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12.0, 0.55),
        ),
        (
            (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
            (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
        ),
    )
    flakes = zoom(mean + width * draws.normal((1, *x.shape[-2:]), "flakes", x.dtype), size)
    flakes = torch.where(flakes < threshold, 0, flakes).clamp(0, 1)
    flakes = motion(flakes, radius, sigma, draws.between(-135, -45, (), "angle"))
    pale = torch.maximum(x, luminance(x) * 1.5 + 0.5)
    return share * x + (1 - share) * pale + flakes + flakes.flip(-2, -1)


def frost(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with an overlay of procedural ice crystals; the published set uses photographs of frost."""
    image, ice = strength(
        x,
        severity,
        ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
        ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    )
    texture = frost_texture(x.shape[-2], x.shape[-1], draws).to(x.dtype)
    return image * x + ice * (texture if x.shape[1] == 3 else luminance(texture))


def fog(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images behind clouds of a plasma fractal, scaled to keep the maximum brightness."""
    thickness, decay = strength(
        x,
        severity,
        ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
        ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)),
    )
    most = x.flatten(1).amax(1)[:, None, None, None]
    clouds = plasma(x.shape[-2], x.shape[-1], decay, draws).to(x.dtype)
    return (x + thickness * clouds) * most / (most + thickness)


def spatter(x: Tensor, severity: int, draws: Draws) -> Tensor:
    """The images with drops of water on the lens (severity 1 to 3), or mud (4 and 5)."""
    mean, width, sigma, threshold, amount = strength(
        x,
        severity,
        (
            (0.65, 0.3, 4.0, 0.69, 0.6),
            (0.65, 0.3, 3.0, 0.68, 0.6),
            (0.65, 0.3, 2.0, 0.68, 0.5),
            (0.65, 0.3, 1.0, 0.65, 1.5),
            (0.67, 0.4, 1.0, 0.65, 1.5),
        ),
        (
            (0.62, 0.1, 0.7, 0.7, 0.5),
            (0.65, 0.1, 0.8, 0.7, 0.5),
            (0.65, 0.3, 1.0, 0.69, 0.5),
            (0.65, 0.1, 0.7, 0.69, 0.6),
            (0.65, 0.1, 0.5, 0.68, 0.6),
        ),
    )
    noise = gaussian(mean + width * draws.normal((1, *x.shape[-2:]), "drops", torch.float64), sigma)
    if severity <= 3:
        return x + water(noise, threshold, amount).to(x.dtype) * coloured(x, WATER)
    cover = mud(noise, threshold, amount).to(x.dtype)
    return x * (1 - cover) + coloured(x, MUD) * cover
