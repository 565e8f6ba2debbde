"""The input of a model: how image files are prepared for it."""

from __future__ import annotations

from dataclasses import dataclass

from robustkit.projections import Bounds


@dataclass(frozen=True)
class InputSpec:
    """How image files are prepared for a model.

    Parameters
    ----------
    channels
        1 or 3.
    size
        Height and width of an image; None if any size is accepted.
    resize
        Size that the shorter side is resized to before the centre crop to `size`; None resizes directly to `size`.
    interpolation
        ``bilinear``, ``bicubic`` or ``nearest``.
    bounds
        Values of black and white; a `Model` sets its own bounds here.
    """

    channels: int = 3
    size: tuple[int, int] | None = None
    resize: int | None = None
    interpolation: str = "bilinear"
    bounds: Bounds = (0.0, 1.0)
