"""The walk along the trade-off, on made-up measurements."""

import numpy as np

from robustkit.benchmarks.zoo.front import Standing, table, walk

CHEAP = np.array([[1, 0, 0, 0], [-1, 0.2, 0.5, 1], [2, 2, 2, 2]], dtype=float)
DEAR = np.array([[1, 1, 1, 0], [-1, -1, -1, 1], [9, 9, 9, 9]], dtype=float)
USELESS = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]], dtype=float)
NETWORK = {"cheap": CHEAP, "dear": DEAR, "useless": USELESS}


def test_a_stage_attacks_survivors_that_came_close():
    first, hits = Standing.of(NETWORK).after(CHEAP, None)
    assert (hits, first.passes, first.alive.tolist()) == (1, 2, [False, True, True, True])
    second, hits = first.after(DEAR, 0.3)
    assert (hits, second.passes) == (1, 2 + 9 / 4)
    assert second.left.tolist() == [-1, -1, 0.5, 1]


def test_the_walk_takes_the_most_successes_per_pass_and_ends_when_nothing_is_new():
    steps = walk({"one": NETWORK}, 9)
    assert [(step.spec, step.within, step.successes, step.passes) for step in steps] == [
        ("cheap", None, 1, 2),
        ("dear", 0.9, 2, 2 * 9 / 4),
    ]
    assert [step.spec for step in walk({"one": {"dear": DEAR, "useless": USELESS}}, 9)] == ["dear"]
    assert walk({"one": NETWORK}, 0) == []


def test_the_table_counts_what_only_one_candidate_found():
    lines = table({"one": NETWORK, "two": {"cheap": CHEAP}}, 3).splitlines()
    assert "| `cheap` | 2 | 1 | 2 |" in lines
    assert "| `dear` | 3 | 2 | 9 |" in lines
    assert "| `useless` | 0 | 0 | 1 |" in lines
