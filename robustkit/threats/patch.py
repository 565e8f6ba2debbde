"""The threat of a sticker, which replaces a small part of the image arbitrarily."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor

from robustkit.contracts.threat import Threat, read_settings, read_size
from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.projections import Bounds
from robustkit.threats.cover import covered_by_circle, covered_by_square

Shape = Literal["square", "circle"]
PlacementRule = Literal["random", "center"]

SMALLEST = 9  # pixels: with its soft edge, even a sticker of one pixel can touch nine


@dataclass(frozen=True, kw_only=True)
class PatchThreat(Threat):
    """All images that differ from the clean one in a sticker: pixels in at most a share `area` of the image, within bounds.

    Parameters
    ----------
    area
        Share of the image's pixels that the sticker may change, including its soft edge, in (0, 0.5].
    area_text
        The share as the user wrote it, such as ``5%``.
    shape
        ``square`` or ``circle``.
    placement
        Position of the sticker: ``random`` (anywhere inside the image) or ``center``.

    Raises
    ------
    UsageError
        If the area is not in (0, 0.5], or the shape or the placement is unknown.
    """

    area: float
    area_text: str = ""
    shape: Shape = "square"
    placement: PlacementRule = "random"

    kind: ClassVar[str] = "patch"
    examples: ClassVar[tuple[str, ...]] = ("patch:10%",)
    example_shape: ClassVar[tuple[int, int, int] | None] = (3, 12, 10)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.area > 0 and math.isfinite(self.area)):
            raise UsageError(f"area={self.area} must be a share of the image above 0: write one like patch:5%")
        if not self.area_text:
            object.__setattr__(self, "area_text", f"{100 * self.area:g}%")
        if self.area > 1:
            percent = self.area_text.endswith("%")
            hint = "write a share of it, such as patch:5%" if percent else f"did you mean patch:{self.area_text}%?"
            raise UsageError(f"area {self.area_text} is more than the whole image: {hint}")
        if self.area > 0.5:
            raise UsageError(
                f"area {self.area_text} covers most of the image, which makes any attack trivial: give at most 50%"
            )
        for name, value, known in (("shape", self.shape, Shape), ("placement", self.placement, PlacementRule)):
            if value not in get_args(known):
                raise UsageError(f"{name} {brief(value)} is unknown: {did_you_mean(value, get_args(known))}")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> PatchThreat:
        options: dict[str, Any] = read_settings(settings, ("shape", "placement"))
        return cls(area=read_size(size, f"{kind}:{size}"), area_text=size, **options)

    @property
    def budget(self) -> str:
        parts = [f"patch:{self.area_text}"]
        if self.shape != "square":
            parts.append(f"shape={self.shape}")
        if self.placement != "random":
            parts.append(f"placement={self.placement}")
        return ",".join(parts)

    def pixels(self, height: int, width: int) -> int:
        """The maximum number of pixels that the sticker may change in an image of this size."""
        return math.floor(self.area * height * width * (1 + 1e-12))

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        _, height, width = shape
        pixels = self.pixels(height, width)
        if pixels < SMALLEST:
            raise UsageError(
                f"area {self.area_text} of threat {self.id!r} is {self.area * height * width:.2g} pixels of an image of "
                f"{height} x {width}: a sticker needs at least {SMALLEST}, {SMALLEST / (height * width):.2%} of this one"
            )
        narrow = min(height, width)
        if pixels > narrow**2:
            raise UsageError(
                f"area {self.area_text} of threat {self.id!r} is {pixels} pixels, but a {self.shape} of that size does not fit "
                f"in an image of {height} x {width}: give at most {narrow**2 / (height * width):.2%}"
            )

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        return self._changed(x, x_adv).flatten(1).double().mean(1).to(x.dtype)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether the changed pixels of each image are few enough (an exact count), within bounds, and covered by a sticker. Bool
        ``(B,)``.

        The sticker has the threat's shape, area and placement, and any rotation. If it may be anywhere, it may extend
        over the image's edge, like a sticker on an object that is only partly in the picture.
        """
        changed, pixels = self._changed(x, x_adv), self.pixels(x.shape[2], x.shape[3])
        inside = self.plausible(x, x_adv, bounds)
        rows = inside.nonzero().squeeze(1)
        covered = covered_by_circle if self.shape == "circle" else covered_by_square
        inside[rows] = covered(changed[rows], float(pixels), self.placement == "center")
        return inside

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        """Whether the changed pixels of each image are few enough and within bounds. Bool ``(B,)``."""
        changed = self._changed(x, x_adv)
        # Unchanged pixels need not be in the box.
        in_box = ((x_adv >= bounds[0]) & (x_adv <= bounds[1])).all(1) | ~changed
        return in_box.flatten(1).all(1) & (changed.flatten(1).sum(1) <= self.pixels(x.shape[2], x.shape[3]))

    @staticmethod
    def _changed(x: Tensor, x_adv: Tensor) -> Tensor:
        """Which pixels differ in any channel, bool ``(B, H, W)``; NaN counts as different."""
        return (x != x_adv).any(1)
