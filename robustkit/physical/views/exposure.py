"""Exposure: how much light the sensor collects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image


@dataclass(frozen=True, kw_only=True)
class Exposure(View):
    """Brighter or darker: each stop doubles the light.

    Parameters
    ----------
    stops
        Range of the change; 0 for none.
    """

    stops: Range = (-0.7, 0.7)

    name: ClassVar[str] = "exposure"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("stops", self.stops, -8, 8)

    def sample(self, draws: Draws) -> Parameters:
        return {"stops": draws.between(*self.stops, (), "stops")}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        # Unlike a power, exp rounds a number alike wherever in a batch it stands.
        return images * per_image((math.log(2) * parameters["stops"]).exp())
