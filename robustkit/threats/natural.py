"""The base class of transformations of the whole image with a few parameters, such as rotation or brightness."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.crossing import constant
from robustkit.threats.rendered import RenderedThreat


@dataclass(frozen=True, kw_only=True)
class NaturalThreat(RenderedThreat):
    """A transformation with a few parameters, whose number and ranges are the same for every image."""

    @property
    @abstractmethod
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Minimum and maximum of each of the P parameters."""

    def limits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        low, high = constant(self.ranges, x, torch.float64).unbind(1)
        return low, high
