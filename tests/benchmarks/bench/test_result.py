"""What a bench saves, and when a bar is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment, save
from robustkit.errors import UsageError


def test_a_bar_at_its_limit_is_kept() -> None:
    assert Bar(name="a", value=5, limit=5, sense="at least").met
    assert Bar(name="a", value=5, limit=5, sense="at most").met


def test_a_ratio_of_times_is_that_of_the_medians_and_keeps_its_rounds() -> None:
    bar = Bar.of_times("faster", [8.0, 6.0, 4.0], [2.0, 1.0, 4.0], 3, "at least")
    assert (bar.value, bar.rounds, bar.met) == (3, [4, 6, 1], True)
    with pytest.raises(ValueError, match="shorter"):
        Bar.of_times("faster", [1.0, 2.0], [1.0], 3, "at least")


def test_a_peer_is_called_without_its_parameters() -> None:
    assert Entry(name="pgd:steps=3", kind="attack").label == "pgd:steps=3"
    assert Entry(name="art/PGD:max_iter=3", kind="peer", against="pgd:steps=3").label == "art/PGD"


def test_what_is_saved_is_the_bench_infinity_included(a_bench: Callable[..., Bench], tmp_path: Path) -> None:
    bench = a_bench(Entry(name="fmn", kind="attack", distance=float("inf")))
    written = save(bench, tmp_path / "new")
    assert [path.name for path in written] == ["bench.json", "bench.md"]
    assert Bench.model_validate_json(written[0].read_text()) == bench
    assert json.loads(written[0].read_text())["entries"][0]["distance"] == "Infinity"
    assert "| fmn | inf |" in written[1].read_text()
    with pytest.raises(ValidationError):
        Bench.model_validate({**bench.model_dump(), "surprise": 1})


def test_a_folder_that_cannot_be_written_is_one_sentence(a_bench: Callable[..., Bench], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="taken"):
        save(a_bench(), tmp_path / "taken")


def test_the_environment_names_what_is_installed() -> None:
    here = environment(torch.device("cpu"))
    assert here.versions["torch"] == version("torch")
    assert "robustkit" in here.versions
    assert (here.device, here.threads) == ("cpu", torch.get_num_threads())
