"""A texture of free texels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from robustkit.errors import UsageError, brief
from robustkit.physical.printer.parametrisation import Parameters, check_size, straight_through
from robustkit.rng import SampleRandom


@dataclass(frozen=True)
class FreeTexels:
    """Every texel has any colour.

    Parameters
    ----------
    height, width
        In texels.
    squash
        ``sigmoid``, or ``clamp``, whose gradient also passes where it clamps.
    """

    height: int
    width: int
    squash: Literal["sigmoid", "clamp"] = "sigmoid"

    def __post_init__(self) -> None:
        check_size(self.height, self.width)
        if self.squash not in ("sigmoid", "clamp"):
            raise UsageError(f"squash={brief(self.squash)} is unknown: give 'sigmoid' or 'clamp'")

    def initial(self, random: SampleRandom, sticker_ids: Tensor) -> Parameters:
        """Texels uniform in [0.25, 0.75)."""
        colours = 0.25 + 0.5 * random.uniform(sticker_ids, (3, self.height, self.width), stream="texels")
        return {"texels": colours.logit() if self.squash == "sigmoid" else colours}

    def texture(self, parameters: Parameters) -> Tensor:
        """The squashed texels."""
        texels = parameters["texels"]
        return texels.sigmoid() if self.squash == "sigmoid" else straight_through(texels.clamp(0, 1), texels)

    def alpha(self, parameters: Parameters) -> Tensor:
        """Ones."""
        return torch.ones_like(parameters["texels"][..., :1, :, :])

    def harden(self, parameters: Parameters) -> Parameters:
        """The same: there is nothing to choose."""
        return parameters
