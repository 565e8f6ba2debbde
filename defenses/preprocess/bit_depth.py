"""Bit-depth reduction as an input transform (Feature Squeezing, Xu et al., arXiv 1704.01155)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.plugin import DefenseInfo, Preprocessor, UsageError


@dataclass(frozen=True, kw_only=True)
class BitDepth(Preprocessor):
    """Round each value to one of ``2**bits`` levels.

    In the backward pass, attacks replace it by the identity (BPDA).

    Parameters
    ----------
    bits
        Bits per channel, 1 to 8.
    """

    bits: int = 4

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="bit-depth",
        kind="preprocessor",
        gradient="straight-through",
        paper="Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks, arXiv 1704.01155",
    )

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise UsageError(f"bits={self.bits} is not a valid bit depth: give an integer from 1 to 8")

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        low, high = bounds
        steps = 2**self.bits - 1
        levels: Tensor = ((x - low) / (high - low) * steps).round()
        squeezed: Tensor = low + levels / steps * (high - low)
        return squeezed
