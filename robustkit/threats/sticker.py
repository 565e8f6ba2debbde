"""The threat of stickers at given places on a sign that fills the image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.colour import srgb_to_linear
from robustkit.contracts.threat import Threat, read_settings
from robustkit.crossing import sent
from robustkit.errors import UsageError, brief
from robustkit.physical.masks import area_share, from_rectangles, load_mask
from robustkit.physical.sign import Sign, load_sign
from robustkit.projections import Bounds
from robustkit.threats.witness import rounding

#: The octagon that is meant where no sign is given: a stop sign, 75 cm wide.
STOP = Sign.regular("stop", 8, 75.0)

#: Bars above and below the middle, as RP2 placed them, as shares of the sign's width and height: left, top, width, height.
BARS = ((-0.32, -0.34, 0.24, 0.1), (0.08, -0.34, 0.24, 0.1), (-0.32, 0.24, 0.24, 0.1), (0.08, 0.24, 0.24, 0.1))

#: Masks that need no file.
BUILT_IN = ("whole", "bars")


@dataclass(frozen=True, kw_only=True)
class StickerThreat(Threat):
    """All images in which stickers of any colours cover a sign at given places; the sign fills the image.

    A pixel that the mask covers in part keeps its share of the sign's own light.

    Parameters
    ----------
    mask
        A file with the places (see `robustkit.physical.masks.load_mask`), or ``whole`` (all of the sign) or ``bars`` (four
        bars above and below the middle).
    sign
        A file with the sign (see `robustkit.physical.sign.load_sign`), whose bounding box is the image; empty for an octagon 75 cm
        wide.
    threshold
        The grey from which a picture's pixels are part of the mask; None if it has black and white only.

    Raises
    ------
    UsageError
        If the threshold is no grey.
    """

    mask: str
    sign: str = ""
    threshold: int | None = None

    kind: ClassVar[str] = "sticker"
    examples: ClassVar[tuple[str, ...]] = ("sticker:bars",)
    example_shape: ClassVar[tuple[int, int, int] | None] = (3, 12, 10)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold is not None and not 1 <= self.threshold <= 255:
            raise UsageError(f"threshold={brief(self.threshold)} must be a grey from 1 to 255")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> StickerThreat:
        options: dict[str, Any] = read_settings(settings, ("sign", "threshold"))
        if "threshold" in options:
            if not str(options["threshold"]).isdecimal():
                raise UsageError(f"threshold={brief(options['threshold'])} is not a whole number: give a grey from 1 to 255")
            options["threshold"] = int(options["threshold"])
        return cls(mask=size, **options)

    @property
    def budget(self) -> str:
        parts = [f"sticker:{self.mask}"]
        if self.sign:
            parts.append(f"sign={self.sign}")
        if self.threshold is not None:
            parts.append(f"threshold={self.threshold}")
        return ",".join(parts)

    @property
    def content(self) -> str:
        named = [path for path in (self.mask, self.sign) if path and path not in BUILT_IN]
        try:
            return " ".join(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in named)
        except OSError as error:
            raise UsageError(f"file {brief(error.filename)} of threat {self.id!r} cannot be read: {error.strerror}") from None

    @property
    def plate(self) -> Sign:
        """The sign. Raises `UsageError` if its file cannot be read."""
        return _sign(self.sign)

    def alpha(self, height: int, width: int) -> Tensor:
        """The share of each pixel that the mask covers, ``(1, height, width)``. Raises `UsageError` if it cannot be read."""
        return _alpha(self.mask, self.sign, self.threshold, height, width)

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        channels, height, width = shape
        if channels != 3:
            raise UsageError(
                f"threat {self.id!r} is a sticker in colour, but the images have {channels} channels: give RGB images"
            )
        share = area_share(self.alpha(height, width), self.plate)
        if not share > 0:
            raise UsageError(f"mask {brief(self.mask)} covers nothing of an image of {height} x {width}: make it larger")

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """The share of the image's pixels that changed."""
        return (x != x_adv).any(1).flatten(1).double().mean(1).to(x.dtype)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether every pixel is the clean one outside the mask, bit for bit, and inside it one that some colour gives. Bool ``(B,)``."""
        alpha = sent(self.alpha(x.shape[2], x.shape[3]).to(x.dtype), x.device)
        low, high = bounds
        width = high - low
        clean, found = (srgb_to_linear(((images - low) / width).clamp(0, 1)) for images in (x, x_adv))
        # In linear light rounding is multiplied by the curve's slope, at most 2.3.
        slack = 4 * rounding(x, bounds) / width
        least = (1 - alpha) * clean
        covered = (x_adv >= low) & (x_adv <= high) & (found >= least - slack) & (found <= least + alpha + slack)
        inside: Tensor = torch.where(alpha > 0, covered | (x_adv == x), x_adv == x)
        return inside.flatten(1).all(1)


@lru_cache(maxsize=64)
def _sign(path: str) -> Sign:
    return load_sign(path) if path else STOP


@lru_cache(maxsize=64)
def _alpha(mask: str, sign: str, threshold: int | None, height: int, width: int) -> Tensor:
    plate, shape = _sign(sign), (height, width)
    if mask == "whole":
        return plate.coverage(shape)
    if mask == "bars":
        across, down = plate.width_cm, plate.height_cm
        return from_rectangles(plate, [(x * across, y * down, w * across, h * down) for x, y, w, h in BARS], shape)
    return load_mask(mask, plate, shape, threshold=threshold)
