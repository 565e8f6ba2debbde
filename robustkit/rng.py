"""Random numbers as a pure function of (seed, purpose, sample id, attempt, step, element).

A counter-based generator (Philox4x32-10) makes every sample's draws independent of batch, order, sharding and resumption,
and the same on every device, without touching any global random state.

References
----------
Salmon et al., Parallel random numbers: as easy as 1, 2, 3. SC 2011. doi:10.1145/2063384.2063405
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor

from robustkit.errors import UsageError, brief

_MASK = 0xFFFFFFFF
_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Ten rounds of Philox4x32 on int64 tensors of unsigned 32-bit words.

    Parameters
    ----------
    counter
        Four broadcastable int64 tensors with values in [0, 2**32).
    key
        Two integers in [0, 2**32).

    Returns
    -------
    Four int64 tensors of the broadcast shape, values in [0, 2**32).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        # A 32x32-bit product wraps in int64, but its bits are correct: shift and mask extract both halves.
        p0, p1 = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = ((p1 >> 32) & _MASK) ^ c1 ^ k0, p1 & _MASK, ((p0 >> 32) & _MASK) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


def check_seed(seed: int) -> None:
    """Raise `UsageError` if a seed is not an unsigned 64-bit integer."""
    if not isinstance(seed, Integral) or not 0 <= int(seed) < 2**64:
        raise UsageError(f"seed={brief(seed)} is not a whole number from 0 to {2**64 - 1}: give another")


def derive_key(seed: int, purpose: str) -> tuple[int, int]:
    """A 64-bit key, as two words, from the user's seed and the purpose of the numbers."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    word = int.from_bytes(digest, "little")
    return word & _MASK, word >> 32


def pass_seed(seed: int, purpose: str) -> int:
    """The seed in [0, 2**32) for the passes of a randomised model; other purposes get independent draws.

    Raises
    ------
    UsageError
        If the seed is not an unsigned 64-bit integer.
    """
    check_seed(seed)
    return derive_key(seed, purpose)[0]


@dataclass(frozen=True)
class SampleRandom:
    """Draws for a set of samples.

    Parameters
    ----------
    seed
        The user's seed.
    purpose
        The purpose of the numbers, usually the attack's name; other purposes get independent streams.
    """

    seed: int
    purpose: str

    def bits(
        self,
        sample_ids: Tensor,
        shape: Sequence[int],
        *,
        attempt: Tensor | int = 0,
        step: Tensor | int = 0,
        stream: str = "",
    ) -> Tensor:
        """Unsigned 32-bit words as int64, shape ``(len(sample_ids), *shape)``.

        `attempt` and `step` are integers or one integer per sample; `stream` names one of several draws in a step.
        """
        device = sample_ids.device
        n = len(sample_ids)
        count = math.prod(shape)

        def column(value: Tensor | int) -> Tensor:
            if isinstance(value, Tensor):
                return value.to(device, torch.int64).expand(n)[:, None]
            return torch.full((n, 1), value, dtype=torch.int64, device=device)

        ids = column(sample_ids)
        blocks = torch.arange((count + 3) // 4, device=device, dtype=torch.int64)[None, :]
        counter = (
            blocks.expand(n, -1),
            column(step) & _MASK,
            (column(attempt) ^ (ids >> 32 << 16)) & _MASK,  # exact for ids below 2**48 and attempts below 2**16
            ids & _MASK,
        )
        words = philox(counter, derive_key(self.seed, f"{self.purpose}/{stream}" if stream else self.purpose))
        return torch.stack(words, dim=-1).flatten(1)[:, :count].reshape(n, *shape)

    def uniform(
        self,
        sample_ids: Tensor,
        shape: Sequence[int],
        *,
        attempt: Tensor | int = 0,
        step: Tensor | int = 0,
        stream: str = "",
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Uniform draws in [0, 1) with 24 bits (fewer in half precision), shape ``(len(sample_ids), *shape)``."""
        words = self.bits(sample_ids, shape, attempt=attempt, step=step, stream=stream)
        draws = ((words >> 8).to(torch.float32) * 2.0**-24).to(dtype)
        # Half precision rounds the largest draws to 1.
        return draws.clamp_max(1 - torch.finfo(dtype).eps / 2) if dtype.itemsize < 4 else draws

    def normal(
        self,
        sample_ids: Tensor,
        shape: Sequence[int],
        *,
        attempt: Tensor | int = 0,
        step: Tensor | int = 0,
        stream: str = "",
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Standard normal draws (Box-Muller), shape ``(len(sample_ids), *shape)``."""
        words = self.bits(sample_ids, (2, *shape), attempt=attempt, step=step, stream=stream)
        unit = ((words >> 8).to(torch.float64) + 0.5) * 2.0**-24
        radius = (-2.0 * unit[:, 0].log()).sqrt()
        return (radius * (2.0 * math.pi * unit[:, 1]).cos()).to(dtype)

    def integers(
        self,
        sample_ids: Tensor,
        shape: Sequence[int],
        high: Tensor | int,
        *,
        attempt: Tensor | int = 0,
        step: Tensor | int = 0,
        stream: str = "",
    ) -> Tensor:
        """Uniform integers in [0, high), int64; the bias is below ``high / 2**32``."""
        return (self.bits(sample_ids, shape, attempt=attempt, step=step, stream=stream) * high) >> 32
