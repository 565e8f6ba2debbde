"""A pass of an attack is measured over a pass of a bare loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from robustkit import Model, Threat
from robustkit.benchmarks.bench.passes import passes
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data import as_data


def test_a_pass_is_compared_with_a_pass(small: Model, stopwatch: Callable[..., Callable[[], float]]) -> None:
    images = torch.rand(4, 3, 8, 8)
    data = as_data((images, small.logits(images).argmax(1)))
    # The loop takes 2 * 3 passes, PGD and APGD 3 + 2 and 3, FMN one forward pass more.
    clock = stopwatch(6, 12, 8, 4.5)
    bench = passes(small, data, Threat.parse("linf:1e-6"), Rounds(1, clock), steps=3)
    assert [(each.forwards, each.backwards) for each in bench.entries] == [(3, 3), (5, 3), (5, 3), (6, 3)]
    assert [bar.value for bar in bench.bars] == pytest.approx([12 / 8, 1.0, 4.5 / 9])
    assert [bar.met for bar in bench.bars] == [False, True, True]
