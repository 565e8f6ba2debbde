"""A texture mixed from the colours of a palette."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.parametrisation import Parameters, check_size, check_temperature, straight_through
from robustkit.rng import SampleRandom


@dataclass(frozen=True, eq=False)
class PaletteMixture:
    """Every texel mixes the colours of a palette by softmax weights.

    Parameters
    ----------
    palette
        The printable colours.
    height, width
        In texels.
    temperature
        Divides the weights' logits: the lower, the nearer each texel is to one colour.
    straight_through
        Whether the texture already has the one colour of the highest weight, with the gradient of the mixture.
    """

    palette: Palette
    height: int
    width: int
    temperature: float = 1.0
    straight_through: bool = False

    def __post_init__(self) -> None:
        check_size(self.height, self.width)
        check_temperature(self.temperature)

    def initial(self, random: SampleRandom, sticker_ids: Tensor) -> Parameters:
        """Logits uniform in [0, 1)."""
        return {"logits": random.uniform(sticker_ids, (len(self.palette), self.height, self.width), stream="palette")}

    def texture(self, parameters: Parameters) -> Tensor:
        """The mixed colours."""
        logits = parameters["logits"]
        mixed = torch.einsum("...nhw,nc->...chw", (logits / self.temperature).softmax(-3), self.palette.colours.to(logits))
        return straight_through(self._purest(logits), mixed) if self.straight_through else mixed

    def alpha(self, parameters: Parameters) -> Tensor:
        """Ones."""
        return torch.ones_like(parameters["logits"][..., :1, :, :])

    def harden(self, parameters: Parameters) -> Parameters:
        """All the weight on the colour that has most of it: the texture then has palette colours only, exactly."""
        logits = parameters["logits"]
        best = torch.zeros_like(logits).scatter(-3, logits.argmax(-3, keepdim=True), 1.0)
        return {"logits": torch.where(best > 0, 0.0, -math.inf)}

    def _purest(self, logits: Tensor) -> Tensor:
        return self.palette.colours.to(logits)[logits.argmax(-3)].movedim(-1, -3)
