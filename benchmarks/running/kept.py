"""The images kept beside records: the failing inputs, and the best efforts that came nearest."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from robustkit.benchmarks.running.contradictions import NEAREST, digest_of_file
from robustkit.files import atomic

Kept = dict[str, Tensor]
"""Named tensors of one row an image: ``sample_id``, ``x``, ``x_adv``, ``prediction``, ``verified``, and ``witness`` if there is one."""


def worth_keeping(found: Kept, margins: Tensor) -> Kept:
    """The failing inputs, and those others whose label has the least margin; on the CPU."""
    verified = found["verified"].cpu()
    near = torch.where(verified, torch.inf, margins).argsort()[:NEAREST]
    keep = verified.clone()
    keep[near] = True
    rows = keep.nonzero().squeeze(1)
    return {name: tensor[rows.to(tensor.device)].cpu().contiguous() for name, tensor in found.items()}


def save_kept(path: Path, kept: Kept) -> str:
    """Write them; return the digest of the file, which ties the records to it."""
    with atomic(path) as partial:
        save_file(kept, partial)
        return digest_of_file(partial)
