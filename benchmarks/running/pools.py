"""Shards in pools: a cell with few samples a shard answers those of several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S", bound=Sized)


def pools(shards: Iterable[tuple[T, S]], most: int) -> Iterator[list[tuple[T, S]]]:
    """Shards, each with its due samples, packed in order so that no pool has more than `most` samples unless one shard has.

    A shard is never divided, and one with nothing due is alone. What is already on disk plays no part, so that a run that
    was interrupted goes on with the same pools.
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
