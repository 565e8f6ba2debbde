"""Contexts that set global precision switches and random generators for a pass and restore them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from robustkit.rng import check_seed


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """A context without autocast and TF32, whatever the caller has enabled."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@contextmanager
def own_random_state(device: torch.device, seed: int | None) -> Iterator[None]:
    """A context for models that draw random numbers at inference; all global generators are restored."""
    if seed is not None:
        check_seed(seed)
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the legacy state is the one to preserve
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices):
            if seed is not None:
                torch.default_generator.manual_seed(seed)
                if device.type == "cuda":
                    torch.cuda.manual_seed(seed)
                np.random.seed(seed % 2**32)  # noqa: NPY002
                random.seed(int(seed))
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
