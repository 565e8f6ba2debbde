"""Whole shards packed into pools."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.running.pools import pools


def packed(sizes: list[int], most: int) -> list[list[int]]:
    return [[name for name, _ in pool] for pool in pools(enumerate(range(size) for size in sizes), most)]


def test_survivors_of_several_shards_share_a_pool():
    assert packed([3, 2, 0, 4, 1, 8, 9, 1], 8) == [[2], [0, 1], [3, 4], [5], [6], [7]]


@given(st.lists(st.integers(0, 12)), st.integers(1, 12))
def test_every_shard_is_in_one_pool_and_pools_are_as_full_as_their_order_allows(sizes: list[int], most: int):
    found = packed(sizes, most)
    assert sorted(name for pool in found for name in pool) == list(range(len(sizes)))
    full = [pool for pool in found if sizes[pool[0]]]
    assert [name for pool in full for name in pool] == [name for name, size in enumerate(sizes) if size]
    assert all(len(pool) == 1 or sum(sizes[name] for name in pool) <= most for pool in found)
    for pool, after in itertools.pairwise(full):
        assert sum(sizes[name] for name in [*pool, after[0]]) > most
