import pytest

from robustkit.training import progress
from robustkit.training.progress import ProgressLine


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_every_few_seconds_with_the_rate_and_the_time_left(clock, capsys):
    with ProgressLine(total=100, done=0, batch_size=64) as line:
        for seconds, done in ((5, 10), (10, 20), (15, 30), (20, 40)):
            clock[0] = seconds
            line.update(done, "epoch 1")
    assert capsys.readouterr() == ("", "epoch 1 · 128 images/s · 40 s left\nepoch 1 · 128 images/s · 30 s left\n")


def test_what_an_earlier_start_did_is_no_speed_of_this_one(clock, capsys):
    with ProgressLine(total=1000, done=500, batch_size=10) as line:
        clock[0] = 10
        line.update(510, "epoch 6")
    assert capsys.readouterr().err == "epoch 6 · 10 images/s · 8 min left\n"


def test_an_epochs_end_is_always_said(clock, capsys):
    with ProgressLine(total=10, done=0, batch_size=1) as line:
        clock[0] = 1
        line.update(0, "nothing yet", always=True)
        line.update(5, "not said")
        line.update(10, "epoch 1 done", always=True)
    first, last = capsys.readouterr().err.splitlines()
    assert first == "nothing yet · 0 images/s · 0 s left"
    assert last == "epoch 1 done · 10 images/s · 0 s left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (360_000, "100.0 h")]
)
def test_the_time_left_is_as_coarse_as_it_is_long(clock, capsys, seconds, text):
    with ProgressLine(total=1 + seconds, done=0, batch_size=1) as line:
        clock[0] = 1
        line.update(1, "x", always=True)
    assert capsys.readouterr().err.endswith(f" {text} left\n")
