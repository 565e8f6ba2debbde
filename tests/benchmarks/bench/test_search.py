"""What acceleration buys: passes of the twin are counted, and a verdict that moves does not keep its bar."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from torch import Tensor

from robustkit import Model, Threat
from robustkit.benchmarks.bench import search as case
from robustkit.benchmarks.bench.search import search
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.data.load import as_data
from robustkit.errors import UsageError

THREAT = Threat.parse("linf:0.105")


def without_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case, "ACCELERATIONS", {k: v for k, v in case.ACCELERATIONS.items() if k != "compiled"})


def test_each_acceleration_is_measured(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_compiling(monkeypatch)
    ticks = itertools.count()
    bench = search(linear_model, as_data(linear_data), THREAT, Rounds(1, lambda: float(next(ticks))))
    plain, *others = bench.entries
    assert (bench.case, plain.name) == ("search", "apgd-ce:steps=20, float32")
    assert plain.forwards is not None
    assert plain.backwards is not None
    assert plain.passes_per_second == pytest.approx(20 * (plain.forwards + plain.backwards))  # all in a second
    assert len(bench.bars) == len(others)
    assert all(bar.met == (bar.value == 0) for bar in bench.bars)


def test_what_a_network_cannot_do_is_left_out(
    linear_model: Model, linear_data: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_compiling(monkeypatch)

    def refuse(model: Model, **options: Any) -> Model:
        raise UsageError("it cannot be traced")

    monkeypatch.setattr(case, "accelerate", refuse)
    bench = search(linear_model, as_data(linear_data), THREAT, Rounds(1))
    assert [entry.name for entry in bench.entries] == ["apgd-ce:steps=20, float32"]
    assert {peer.reason for peer in bench.skipped} == {"it cannot be traced"}
