"""The picture of a bench."""

import warnings
from pathlib import Path

import pytest
import torch

from robustkit.benchmarks.bench.plot import plot
from robustkit.benchmarks.bench.result import Bench, Entry, environment


@pytest.mark.parametrize("count", [1, 40])
def test_all_labels_lie_within_the_picture(tmp_path: Path, count: int) -> None:
    entries = [Entry(name=f"attack-{k}", kind="attack", robust_accuracy=0.7 + k % 2 / 50, cost=1.0 + k) for k in range(count)]
    here = environment(torch.device("cpu"))
    bench = Bench(case="attacks", model="m", data="d", n=10, threat="linf:0.1", repeats=1, entries=entries, environment=here)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # labels outside leave no room for the axes, of which matplotlib warns
        svg, _ = plot(bench, tmp_path)
    assert all(f">attack-{k}<" in svg.read_text() for k in range(count))
