"""What a corruption leaves to chance: draws that depend on the sample, not on its neighbours or the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.rng import SampleRandom


@dataclass(frozen=True, kw_only=True)
class Draws:
    """The random numbers of one corruption of a batch.

    Parameters
    ----------
    random
        Where they come from.
    sample_ids
        ``(B,)``: whose they are.
    number
        Which realisation this is, one for all or ``(B,)``.
    name
        The corruption, which has streams of its own.
    """

    random: SampleRandom
    sample_ids: Tensor
    number: Tensor | int
    name: str

    def uniform(self, shape: Sequence[int], stream: str, dtype: torch.dtype = torch.float64) -> Tensor:
        """In [0, 1), ``(B, *shape)``."""
        stream = f"{self.name}/{stream}"
        return self.random.uniform(self.sample_ids, shape, step=self.number, stream=stream, dtype=dtype)

    def between(self, low: float, high: float, shape: Sequence[int], stream: str) -> Tensor:
        """Uniform in [low, high), float64 ``(B, *shape)``."""
        return low + (high - low) * self.uniform(shape, stream)

    def normal(self, shape: Sequence[int], stream: str, dtype: torch.dtype) -> Tensor:
        """Standard normal, ``(B, *shape)``."""
        stream = f"{self.name}/{stream}"
        return self.random.normal(self.sample_ids, shape, step=self.number, stream=stream, dtype=dtype)

    def integers(self, high: int, shape: Sequence[int], stream: str) -> Tensor:
        """In [0, high), int64 ``(B, *shape)``."""
        return self.random.integers(self.sample_ids, shape, high, step=self.number, stream=f"{self.name}/{stream}")
