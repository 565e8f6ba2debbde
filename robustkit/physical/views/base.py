"""The contract of a view: one differentiable transform of the camera or the world, with its own distribution."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, final

import torch
from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.corruptions.draws import Draws
from robustkit.errors import UsageError, brief
from robustkit.rng import SampleRandom

#: What was drawn for a batch: tensors by name, one row per sample.
Parameters = dict[str, Tensor]

#: The lowest and the highest value that may be drawn.
Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class View(ABC):
    """One transform of images ``(B, 3, H, W)``; its fields are the ranges from which each sample's parameters are drawn.

    A view does not clip, unless the device that it models does: a value above 1 is light brighter than white, which a later
    view may still darken.
    """

    #: Also names the view's random numbers, so that a view draws the same whatever else is in the chain.
    name: ClassVar[str]

    #: Whether `act` takes linear light, as the world and the lens do, or sRGB.
    linear: ClassVar[bool]

    @abstractmethod
    def sample(self, draws: Draws) -> Parameters:
        """The parameters of the samples; `draws` are this view's random numbers."""

    @abstractmethod
    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        """The transformed images, in linear light if the view is `linear`."""

    @final
    def draw(self, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> Parameters:
        """Parameters for each sample: a function of `random`, its id, the step and the view's name alone.

        Parameters
        ----------
        ids
            ``(B,)``; the parameters are on its device.
        random
            The generator.
        step
            Index of the draw, one for all or ``(B,)``.
        """
        drawn = self.sample(Draws(random=random, sample_ids=ids, number=step, name=self.name))
        return {name: values.float() if values.is_floating_point() else values for name, values in drawn.items()}

    @final
    def __call__(self, images: Tensor, parameters: Parameters) -> Tensor:
        """The transformed images; both are sRGB."""
        if not self.linear:
            return self.act(images, parameters)
        return linear_to_srgb(self.act(srgb_to_linear(images), parameters))


def check_range(name: str, value: Range, low: float, high: float) -> None:
    """Raise `UsageError` if a field is not (lowest, highest), ascending, within the given limits."""
    pair = value if isinstance(value, (tuple, list)) and len(value) == 2 else ()
    numbers = [float(part) for part in pair if isinstance(part, Real) and math.isfinite(part)]
    if len(numbers) != 2 or not low <= numbers[0] <= numbers[1] <= high:
        raise UsageError(f"{name}={brief(value)} is not a range: give (lowest, highest) from {low:g} to {high:g}")


def per_image(values: Tensor) -> Tensor:
    """One number per image ``(B,)``, or per image and channel ``(B, C)``, to be broadcast over images ``(B, C, H, W)``."""
    return values[:, None, None, None] if values.ndim == 1 else values[:, :, None, None]


def pixel_centres(images: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels' x ``(W,)`` and y ``(H, 1)`` from the image's centre, to the right and down, in units of its shorter side."""
    height, width = images.shape[-2:]
    x = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    y = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    side = min(height, width)
    return x / side, (y / side)[:, None]
