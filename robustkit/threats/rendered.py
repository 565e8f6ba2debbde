"""The base class of threats whose images are rendered from the clean one by a transformation with bounded parameters."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.contracts.threat import Threat, read_settings, read_size
from robustkit.errors import UsageError
from robustkit.projections import Bounds
from robustkit.threats.norm import in_box
from robustkit.threats.witness import checked_witness, is_clean, shows


@dataclass(frozen=True, kw_only=True)
class RenderedThreat(Threat):
    """All images that a transformation renders from the clean one with parameters in given ranges, which are the witness.

    Parameters
    ----------
    size
        Maximum distance of the parameters from those of the identity.
    size_text
        The size as the user wrote it.

    Raises
    ------
    UsageError
        If the size is not above 0, or above `largest`.
    """

    size: float
    size_text: str = ""

    #: The maximum useful size, and the meaning of the size, for messages.
    largest: ClassVar[float] = math.inf
    unit: ClassVar[str] = "the maximum distance of its parameters from those of the identity"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.size <= self.largest:
            raise UsageError(
                f"size={self.size} of a {self.kind} threat must be above 0 and at most {self.largest:g}, {self.unit}"
            )
        if not self.size_text:
            object.__setattr__(self, "size_text", f"{self.size:g}")

    @classmethod
    def from_text(cls, kind: str, size: str, settings: dict[str, str]) -> RenderedThreat:
        options: dict[str, Any] = read_settings(settings)
        return cls(size=read_size(size, f"{kind}:{size}"), size_text=size, **options)

    @property
    def budget(self) -> str:
        return f"{self.kind}:{self.size_text}"

    @abstractmethod
    def limits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Minimum and maximum of each of the P parameters for images like `x`, float64 ``(P,)`` each."""

    @abstractmethod
    def transform(self, x: Tensor, parameters: Tensor, bounds: Bounds) -> Tensor:
        """Images ``(B, C, H, W)`` transformed by parameters ``(B, P)`` within `limits`, inside the bounds."""

    def check(self, shape: tuple[int, int, int], bounds: Bounds) -> None:
        return

    def distance(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """The size, because the parameters cannot be recovered from the pixels. ``(B,)``."""
        return torch.full_like(x[:, 0, 0, 0], self.size)

    def plausible(self, x: Tensor, x_adv: Tensor, bounds: Bounds) -> Tensor:
        return in_box(x_adv, bounds)

    def contains(self, x: Tensor, x_adv: Tensor, bounds: Bounds, witness: Tensor | None = None) -> Tensor:
        """Whether the witness is in range and reproduces the image, up to float rounding. Bool ``(B,)``."""
        if witness is None:
            return is_clean(x, x_adv, bounds)
        low, high = self.limits(x)
        parameters = checked_witness(witness, x, len(low)).double()
        allowed = ((parameters >= low) & (parameters <= high)).all(1)
        return is_clean(x, x_adv, bounds) | (allowed & shows(x_adv, self.transform(x, parameters, bounds), bounds))
