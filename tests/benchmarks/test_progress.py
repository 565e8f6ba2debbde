"""Plain progress lines."""

from robustkit.benchmarks.progress import Lines


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
