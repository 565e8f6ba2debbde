"""Threats of changed brightness, contrast or hue, whose parameter can be recovered from the pixels and is checked."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.colour import hsv_to_rgb, rgb_to_hsv
from robustkit.errors import UsageError
from robustkit.projections import Bounds, per_sample
from robustkit.threats.natural import NaturalThreat
from robustkit.threats.witness import rounding, shows


@dataclass(frozen=True, kw_only=True)
class LightingThreat(NaturalThreat):
    """A transformation with one parameter that can be recovered from the pixels."""

    @abstractmethod
    def recover(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        """The parameter ``(B,)`` that transforms `x` into `x_adv`, if there is one, and its sharpness ``(B,)``: the change of
        the pixel that it was recovered from per unit of the parameter."""

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        return self.contains(x, x_adv, bounds)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether the recovered parameter is in range and reproduces the image, up to float rounding. Bool ``(B,)``."""
        parameter, sharpness = self.recover(x, x_adv, bounds)
        slack = rounding(x, bounds) / sharpness.double().clamp_min(1e-300)
        low, high = self.ranges[0]
        allowed = (parameter >= low - slack) & (parameter <= high + slack)
        return allowed & shows(x_adv, self.transform(x, parameter[:, None], bounds), bounds)


@dataclass(frozen=True, kw_only=True)
class BrightnessThreat(LightingThreat):
    """All images obtained from the clean one by adding one amount to every element and clipping to the bounds.

    The distance is that amount, in the unit of the bounds.

    Parameters
    ----------
    size
        Maximum amount in either direction, as a share of the bounds' span, at most 1.
    """

    kind: ClassVar[str] = "brightness"
    examples: ClassVar[tuple[str, ...]] = ("brightness:0.3",)
    largest: ClassVar[float] = 1.0
    unit: ClassVar[str] = "a share of the bounds' span"

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        return ((-self.size, self.size),)

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        added = (bounds[1] - bounds[0]) * parameters[:, 0].to(x)
        return (x + per_sample(added, x)).clamp(*bounds)

    def recover(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        # Clipped elements changed less than the others.
        moved = (x_adv - x).flatten(1)
        span = bounds[1] - bounds[0]
        return pick(moved, moved.abs().argmax(1)).double() / span, torch.full_like(moved[:, 0], span)

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        return (x_adv - x).abs().flatten(1).amax(1)


@dataclass(frozen=True, kw_only=True)
class ContrastThreat(LightingThreat):
    """All images obtained by scaling the clean one's differences from mid-grey by one factor and clipping to the bounds.

    The distance is the size, because without the bounds the factor cannot be recovered from the pixels.

    Parameters
    ----------
    size
        Maximum difference of the factor from 1, at most 1.
    """

    kind: ClassVar[str] = "contrast"
    examples: ClassVar[tuple[str, ...]] = ("contrast:0.3",)
    largest: ClassVar[float] = 1.0
    unit: ClassVar[str] = "the maximum difference of the factor from 1"

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        return ((1 - self.size, 1 + self.size),)

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        grey = (bounds[0] + bounds[1]) / 2
        return (grey + per_sample(parameters[:, 0].to(x), x) * (x - grey)).clamp(*bounds)

    def recover(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        grey = (bounds[0] + bounds[1]) / 2
        before, after = (x - grey).flatten(1).double(), (x_adv - grey).flatten(1).double()
        factor = torch.where(before != 0, after / torch.where(before != 0, before, 1), 0)
        flat = x_adv.flatten(1)
        free = before.abs() * ((flat > bounds[0]) & (flat < bounds[1]))
        best = free.argmax(1)
        # If all elements were clipped, the smallest factor that clips them; if all are mid-grey, any factor.
        clipped = torch.where((before != 0).any(1), factor.amax(1), 1)
        known = pick(free, best) > 0
        return torch.where(known, pick(factor, best), clipped), torch.where(known, pick(free, best), 1)


@dataclass(frozen=True, kw_only=True)
class HueThreat(LightingThreat):
    """All colour images obtained from the clean one by rotating every hue by one angle, keeping saturation and value.

    The distance is that angle, as a share of the circle.

    Parameters
    ----------
    size
        Maximum hue rotation in either direction, as a share of the circle, at most 0.5.
    """

    kind: ClassVar[str] = "hue"
    examples: ClassVar[tuple[str, ...]] = ("hue:0.1",)
    example_shape: ClassVar[tuple[int, int, int] | None] = (3, 6, 5)
    largest: ClassVar[float] = 0.5
    unit: ClassVar[str] = "a share of the circle of hues"

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        return ((-self.size, self.size),)

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        if shape[0] != 3:
            raise UsageError(f"threat {self.id!r} changes the hue of colour images with 3 channels, but these have {shape[0]}")

    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        span = bounds[1] - bounds[0]
        hue, saturation, value = rgb_to_hsv(((x - bounds[0]) / span).clamp(0, 1)).unbind(1)
        rotated = hue + parameters[:, 0].to(x)[:, None, None]
        return (bounds[0] + span * hsv_to_rgb(torch.stack([rotated, saturation, value], dim=1))).clamp(*bounds)

    def recover(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> tuple[Tensor, Tensor]:
        chroma = (x.amax(1) - x.amin(1)).flatten(1)
        vivid = chroma.argmax(1)
        before, after = (pick(rgb_to_hsv(image)[:, 0].flatten(1), vivid).double() for image in (x, x_adv))
        sharpness = pick(chroma, vivid)
        return torch.where(sharpness > 0, (after - before + 0.5) % 1 - 0.5, 0), sharpness

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        return self.recover(x, x_adv, (0.0, 1.0))[0].abs().to(x.dtype)


def pick(values: Tensor, index: Tensor) -> Tensor:
    """The value at `index` in each row of ``(B, N)``, ``(B,)``."""
    return values.gather(1, index[:, None]).squeeze(1)
