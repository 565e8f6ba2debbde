"""The peak memory of an audit does not follow the number of images."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from robustkit.benchmarks.bench import memory as case
from robustkit.benchmarks.bench.memory import memory, peak_mib, peak_of_child, small_model, write_images
from robustkit.errors import AttackError


def test_memory_compares_the_peaks_of_two_audits(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter([400.0, 450.0])
    monkeypatch.setattr(case, "peak_of_child", lambda folder, device: next(peaks))
    (bar,) = memory(few=8, many=16, device="cpu").bars
    assert bar.value == 1.125
    assert not bar.met


def test_a_child_says_its_peak(tmp_path: Path) -> None:
    write_images(tmp_path / "images.npz", 8, seed=0)
    assert peak_of_child(tmp_path, "cpu") > 50


@pytest.mark.parametrize(("stderr", "reason"), [("Traceback\nUsageError: no images\n", "UsageError: no images"), ("", "-9")])
def test_a_child_that_fails_or_is_killed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: str, reason: str
) -> None:
    done = subprocess.CompletedProcess("", -9, stdout="", stderr=stderr)
    monkeypatch.setattr(case.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(AttackError, match=f"the measured audit failed: .*{reason}"):
        peak_of_child(tmp_path, "cpu")


def test_every_image_is_correctly_classified_and_so_attacked(tmp_path: Path) -> None:
    write_images(tmp_path / "images.npz", 8, seed=1)
    with np.load(tmp_path / "images.npz") as kept:
        x, y = torch.from_numpy(kept["x"]), torch.from_numpy(kept["y"])
    assert (x.shape, x.dtype) == ((8, 32, 32, 3), torch.uint8)
    assert torch.equal(small_model("cpu").logits(x.permute(0, 3, 1, 2) / 255).argmax(1), y)


def test_the_network_is_the_same_each_time_and_the_random_state_stays() -> None:
    state = torch.random.get_rng_state()
    assert small_model("cpu").fingerprint() == small_model("cpu").fingerprint()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_peak_only_grows() -> None:
    before = peak_mib()
    block = torch.ones(64 * 2**20 // 4)
    assert peak_mib() >= before > 50
    del block
    assert peak_mib() >= before
