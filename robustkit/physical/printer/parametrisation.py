"""What an attack optimises in place of a texture: parameters whose texture can be printed, by construction."""

from __future__ import annotations

import math
from typing import Protocol

from torch import Tensor

from robustkit.errors import UsageError
from robustkit.rng import SampleRandom

Parameters = dict[str, Tensor]


class Parametrisation(Protocol):
    """From unconstrained parameters to a sticker's texture and alpha, differentiable. Leading dimensions are kept."""

    def initial(self, random: SampleRandom, sticker_ids: Tensor) -> Parameters:
        """Random parameters to start from, a sticker a row: tensors ``(n, ...)``."""

    def texture(self, parameters: Parameters) -> Tensor:
        """The texture, sRGB in [0, 1], ``(..., 3, h, w)``."""

    def alpha(self, parameters: Parameters) -> Tensor:
        """Where the sticker is, in [0, 1], ``(..., 1, h, w)``; to be multiplied with the mask."""

    def harden(self, parameters: Parameters) -> Parameters:
        """The parameters of what is handed to the printer, with nothing left between two choices."""


def straight_through(value: Tensor, slope: Tensor) -> Tensor:
    """The value, exactly, with the gradient of `slope`."""
    return value.detach() + (slope - slope.detach())


def check_size(height: int, width: int) -> None:
    """Raise `UsageError` if a texture has no texel."""
    if height < 1 or width < 1:
        raise UsageError(f"a texture of {height} x {width} texels is invalid: give at least 1 x 1")


def check_temperature(temperature: float) -> None:
    """Raise `UsageError` if a temperature is not above 0."""
    if not 0 < temperature < math.inf:
        raise UsageError(f"temperature={temperature} must be above 0")
