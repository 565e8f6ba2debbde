"""What a bench saves, and when a bar is kept."""

from __future__ import annotations

from importlib.metadata import version

import pytest
import torch

from robustkit.benchmarks.bench.result import Bar, Entry, environment


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


def test_the_environment_names_what_is_installed() -> None:
    here = environment(torch.device("cpu"))
    assert here.versions["torch"] == version("torch")
    assert "robustkit" in here.versions
    assert (here.device, here.threads) == ("cpu", torch.get_num_threads())
