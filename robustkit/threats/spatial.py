"""The threat of rotated and shifted images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.contracts.threat import read_settings, read_size
from robustkit.corruptions.resampling import bilinear
from robustkit.errors import UsageError
from robustkit.projections import Bounds
from robustkit.threats.natural import NaturalThreat


@dataclass(frozen=True, kw_only=True)
class SpatialThreat(NaturalThreat):
    """All images obtained by rotating the clean one about its centre and shifting it, with empty areas at the lowest value.

    Membership needs a witness, the rotation and the shifts, because they cannot be recovered from the pixels; for the same
    reason the distance is the size.

    Parameters
    ----------
    size
        Maximum rotation in either direction, in degrees, at most 180.
    translate
        Maximum shift in either direction along each axis, as a share of the side, in [0, 0.5].
    translate_text
        The share as the user wrote it.

    References
    ----------
    Engstrom et al., Exploring the Landscape of Spatial Robustness, arXiv 1712.02779.
    """

    translate: float = 0.0
    translate_text: str = ""

    kind: ClassVar[str] = "spatial"
    examples: ClassVar[tuple[str, ...]] = ("spatial:30,translate=10%",)
    largest: ClassVar[float] = 180.0
    unit: ClassVar[str] = "a rotation in degrees"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.translate <= 0.5:
            raise UsageError(
                f"translate={self.translate} must be a share of the side in [0, 0.5]: write one like translate=10%"
            )
        if not self.translate_text:
            object.__setattr__(self, "translate_text", f"{100 * self.translate:g}%")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> SpatialThreat:
        options: dict[str, Any] = read_settings(settings, ("translate",))
        if "translate" in options:
            text = options["translate"]
            share = read_size(text, f"{kind}:{size},translate={text}")
            options |= {"translate": share, "translate_text": text}
        return cls(size=read_size(size, f"{kind}:{size}"), size_text=size, **options)

    @property
    def budget(self) -> str:
        return f"spatial:{self.size_text}" + (f",translate={self.translate_text}" if self.translate else "")

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Rotation in degrees, clockwise in the image; shifts to the right and down as shares of the sides."""
        return (-self.size, self.size), (-self.translate, self.translate), (-self.translate, self.translate)

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        height, width = x.shape[-2:]
        angle, right, down = parameters.to(x.device, torch.float64)[:, :, None, None].unbind(1)
        angle = angle * (math.pi / 180)
        middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
        below = torch.arange(height, device=x.device, dtype=torch.float64)[:, None] - middle_row - down * height
        beside = torch.arange(width, device=x.device, dtype=torch.float64) - middle_column - right * width
        # Each pixel is sampled at its position under the inverse rotation.
        rows = middle_row + angle.cos() * below - angle.sin() * beside
        columns = middle_column + angle.cos() * beside + angle.sin() * below
        return bilinear(x, rows, columns, bounds[0]).clamp(*bounds)
