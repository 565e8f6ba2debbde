"""Time spent in a model, as another process sees it."""

from __future__ import annotations

import time

import pytest

from robustkit import watch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> watch.Clock:
    clock = watch.Clock()
    monkeypatch.setattr(watch.at_work, "words", clock.words)
    return clock


def test_only_one_long_stay_runs_out(clock: watch.Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    timer = watch.Timer(clock)
    clock.limit = 3

    def after(seconds: int) -> bool:
        nonlocal now
        for _ in range(seconds):
            now += 1
            expired = timer.expired()
        return expired

    assert not after(10)
    with watch.at_work:
        assert not after(3)
        with watch.at_work:
            assert not after(4)
        assert not after(4)
        assert after(1)
        now += 1000  # the machine slept
    assert not after(5)


def test_it_costs_nothing_to_speak_of(clock: watch.Clock) -> None:
    began = time.perf_counter()
    for _ in range(10_000):
        with watch.at_work:
            pass
    assert (time.perf_counter() - began) / 10_000 < 2e-5  # with room for a busy machine
