"""Median smoothing as an input transform (Feature Squeezing, Xu et al., arXiv 1704.01155)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from robustkit.plugin import DefenseInfo, Preprocessor, UsageError


@dataclass(frozen=True, kw_only=True)
class Median(Preprocessor):
    """Replace each value by the median of the window around it in the same channel, with reflect padding.

    The median is one of the window's values, so its gradient is exact almost everywhere.

    Parameters
    ----------
    size
        Side of the window in pixels, odd.
    """

    size: int = 3

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="median",
        kind="preprocessor",
        gradient="exact",
        paper="Feature Squeezing: Detecting Adversarial Examples in Deep Neural Networks, arXiv 1704.01155",
    )

    def __post_init__(self) -> None:
        if self.size < 3 or self.size % 2 == 0:
            raise UsageError(f"size={self.size} is not a valid side of a median window: give an odd integer of at least 3")

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The smoothed images.

        Raises
        ------
        UsageError
            If the window is larger than the image.
        """
        size, half = self.size, self.size // 2
        if min(x.shape[2:]) < size:
            raise UsageError(f"a median window of {size} pixels does not fit into images of {x.shape[2]} x {x.shape[3]}")
        padded = functional.pad(x, (half, half, half, half), mode="reflect")
        windows = padded.unfold(2, size, 1).unfold(3, size, 1).flatten(4)
        return windows.median(dim=4).values
