"""Cycle detection for fixed-step ascent: a repeated iterate leads to nothing new (Doldo et al., arXiv 2503.19347)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from robustkit.plugin import SampleRandom, State


@dataclass(kw_only=True)
class CycleState(State):
    """An iterate and the hashes of the previous iterates.

    Parameters
    ----------
    seen
        ``(B, T)`` int64: the hash of the iterate before each of T steps; ``(B, 0)`` without cycle detection.
    repeats
        Bool ``(B,)``: whether `x_adv` equals a previous iterate.
    """

    seen: Tensor
    repeats: Tensor


def start_cycle(x_adv: Tensor, steps: int) -> CycleState:
    """The state before the first of `steps` steps."""
    seen = torch.zeros(len(x_adv), steps, dtype=torch.int64, device=x_adv.device)
    return CycleState(x_adv=x_adv, seen=seen, repeats=torch.zeros(len(x_adv), dtype=torch.bool, device=x_adv.device))


def note_cycle(state: CycleState, x_adv: Tensor, step: Tensor) -> CycleState:
    """The state after a step to `x_adv`, which `step` ``(B,)`` steps preceded."""
    seen = state.seen.scatter(1, step[:, None], hash_of(state.x_adv)[:, None])
    so_far = torch.arange(seen.shape[1], device=seen.device) <= step[:, None]
    repeats = ((seen == hash_of(x_adv)[:, None]) & so_far).any(1)
    return replace(state, x_adv=x_adv, seen=seen, repeats=repeats)


def hash_of(x: Tensor) -> Tensor:
    """A 64-bit hash per sample of every bit of its elements, int64 ``(B,)``; independent of the order of summation."""
    words = x.flatten(1).contiguous().view(torch.int64 if x.dtype == torch.float64 else torch.int32)
    return (words * _weights(words.shape[1], x.device)).sum(1)


@lru_cache(maxsize=8)
def _weights(n: int, device: torch.device) -> Tensor:
    words = SampleRandom(0, "cycle").bits(torch.zeros(1, dtype=torch.int64, device=device), (2, n))
    return words[0, 0] << 32 | words[0, 1]
