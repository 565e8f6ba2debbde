"""The images stored beside records: the adversarial images, and the unsuccessful ones closest to success."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from robustkit.benchmarks.running.contradictions import NEAREST, digest_of_file
from robustkit.files import atomic

Kept = dict[str, Tensor]
"""Named tensors with one row per image: ``sample_id``, ``x``, ``x_adv``, ``prediction``, ``verified``, and possibly ``witness``."""


def worth_keeping(found: Kept, margins: Tensor) -> Kept:
    """The verified adversarial images and the others with the smallest margin, on the CPU."""
    verified = found["verified"].cpu()
    near = torch.where(verified, torch.inf, margins).argsort()[:NEAREST]
    keep = verified.clone()
    keep[near] = True
    rows = keep.nonzero().squeeze(1)
    return {name: tensor[rows.to(tensor.device)].cpu().contiguous() for name, tensor in found.items()}


def save_kept(path: Path, kept: Kept) -> str:
    """Write the images; return the digest of the file, which ties the records to it."""
    with atomic(path) as partial:
        save_file(kept, partial)
        return digest_of_file(partial)
