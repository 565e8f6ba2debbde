"""What a bench saves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from robustkit.benchmarks.bench.result import Bench, Entry
from robustkit.benchmarks.bench.saving import save
from robustkit.errors import UsageError


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
