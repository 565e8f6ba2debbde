"""Shards grouped into pools: a cell with few samples per shard processes several shards at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Sized)


def pools(shards: Iterable[tuple[T, S]], most: int) -> Iterator[list[tuple[T, S]]]:
    """The shards with their due samples, grouped in order into pools of at most `most` samples.

    A shard is never split, even if it is larger, and a shard with nothing due is a pool of its own. Results on disk do not
    affect the grouping, so an interrupted run resumes with the same pools.
    """
    pool: list[tuple[T, S]] = []
    held = 0
    for shard, due in shards:
        if not len(due):
            yield [(shard, due)]
            continue
        if pool and held + len(due) > most:
            yield pool
            pool, held = [], 0
        pool.append((shard, due))
        held += len(due)
    if pool:
        yield pool
