"""The random numbers of a corruption, which depend on the sample and not on its neighbours or the device."""

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
        The generator.
    sample_ids
        ``(B,)``: ids of the samples.
    number
        Index of the realisation, one for all or ``(B,)``.
    name
        The corruption's name; other names get independent streams.
    """

    random: SampleRandom
    sample_ids: Tensor
    number: Tensor | int
    name: str

    def uniform(self, shape: Sequence[int], stream: str, dtype: torch.dtype = torch.float64) -> Tensor:
        """Uniform draws in [0, 1), ``(B, *shape)``."""
        stream = f"{self.name}/{stream}"
        return self.random.uniform(self.sample_ids, shape, step=self.number, stream=stream, dtype=dtype)

    def between(self, low: float, high: float, shape: Sequence[int], stream: str) -> Tensor:
        """Uniform draws in [low, high), float64 ``(B, *shape)``."""
        return low + (high - low) * self.uniform(shape, stream)

    def normal(self, shape: Sequence[int], stream: str, dtype: torch.dtype) -> Tensor:
        """Standard normal draws, ``(B, *shape)``."""
        stream = f"{self.name}/{stream}"
        return self.random.normal(self.sample_ids, shape, step=self.number, stream=stream, dtype=dtype)

    def integers(self, high: int, shape: Sequence[int], stream: str) -> Tensor:
        """Uniform integers in [0, high), int64 ``(B, *shape)``."""
        return self.random.integers(self.sample_ids, shape, high, step=self.number, stream=f"{self.name}/{stream}")
