"""Progress as plain lines and as bars."""

import time

from robustkit.benchmarks.running.progress import Lines, Live


def test_a_second_start_counts_on(capsys):
    lines = Lines()
    lines.every = 0.0
    for name in ("a", "b"):
        lines.start([(name, name, "linf:0.1", "main")], 4)
        lines.enter(name)
        lines.advance(name, 4)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("a linf:0.1: 4/4 (")
    assert said[1].startswith("b linf:0.1: 8/8 (")
    assert said[1].endswith(" 0 s left)")


def test_the_time_of_a_pool_counts_once(monkeypatch):
    live, now = Live(), [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    live.start([("a", "a", "linf:0.1", "main")], 8)
    live.enter("a")
    now[0] += 2.0
    live.advance("a", 4)
    live.advance("a", 4)
    live.stop()
    (task,) = live.bars.tasks
    assert (task.completed, task.fields["rate"]) == (8, "4/s")
