"""What a model takes: how files become its images."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.projections import Bounds


@dataclass(frozen=True)
class InputSpec:
    """How files on disk become this model's images.

    Parameters
    ----------
    channels
        1 or 3.
    size
        Height and width of an image; None if any size will do.
    resize
        What the shorter side is resized to before the centre crop to `size`; None resizes straight to `size`.
    interpolation
        ``bilinear``, ``bicubic`` or ``nearest``.
    bounds
        What black and white become; a `Model` puts its own bounds here.
    """

    channels: int = 3
    size: tuple[int, int] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"
    bounds: Bounds = (0.0, 1.0)
