"""Input transforms that write on what they are given, with a gradient of their own and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.contracts.preprocessor import DefenseInfo, Preprocessor


@dataclass(frozen=True)
class Doubled(Preprocessor):
    """Doubles its input, in place."""

    info: ClassVar[DefenseInfo] = DefenseInfo(name="doubled", kind="preprocessor", gradient="exact", paper="")

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        return x.mul_(2)


@dataclass(frozen=True)
class Rounded(Preprocessor):
    """Rounds its input, in place."""

    info: ClassVar[DefenseInfo] = DefenseInfo(name="rounded", kind="preprocessor", gradient="straight-through", paper="")

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        return x.round_()
