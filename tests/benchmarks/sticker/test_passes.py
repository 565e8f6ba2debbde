"""Progress of a fit."""

from __future__ import annotations

import time

import torch

from robustkit.benchmarks.sticker.passes import reported
from robustkit.contracts.model import Model


def test_views_are_counted_with_their_rate_and_the_time_left(model: Model) -> None:
    lines: list[str] = []
    with reported(model, "fit", 8, lines.append, every_s=0.02):
        model.gradient(torch.rand(4, 3, 16, 16), lambda logits: logits.sum(1))
        while not any("4/8 views" in line for line in lines):
            time.sleep(0.01)
    assert "s left" in lines[-1]
    count = len(lines)
    time.sleep(0.05)
    assert len(lines) == count
