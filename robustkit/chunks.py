"""Passes in chunks that fit in memory: their size, and how it shrinks when memory runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustkit.device import is_out_of_memory
from robustkit.errors import AttackError


def chunk_size(x: Tensor, device: torch.device) -> int:
    """The maximum number of images shaped like `x` per pass, estimated from their size and the device."""
    pixels = x[0].numel() if len(x) else 1
    most, budget = (128, 2**22) if device.type == "cpu" else (1024, 2**25)
    return max(8, min(most, budget // pixels))


def in_chunks(
    function: Callable[[Tensor], tuple[Tensor, ...]], rows: Tensor, size: Callable[[], int], shrink: Callable[[int], None]
) -> tuple[Tensor, ...]:
    """The joined results of `function` on chunks of `rows`.

    Parameters
    ----------
    function
        Maps a chunk of rows to tensors with as many rows.
    rows
        One row per image.
    size
        Returns the maximum size of the next chunk.
    shrink
        Called with the new maximum, half the previous size, when memory runs out.

    Raises
    ------
    AttackError
        If a single row does not fit in memory.
    """
    parts: list[tuple[Tensor, ...]] = []
    start = 0
    while start < len(rows) or not parts:
        chunk = size()
        try:
            parts.append(function(rows[start : start + chunk]))
            start += chunk
            continue
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if chunk == 1:
                raise AttackError("one image does not fit in memory: use a smaller model or image size") from error
        # Outside the handler, so that the traceback no longer holds the failed pass's tensors.
        shrink(max(1, min(chunk, len(rows) - start) // 2))
        if rows.is_cuda:
            torch.cuda.empty_cache()
    return parts[0] if len(parts) == 1 else tuple(torch.cat(column) for column in zip(*parts, strict=True))
