from dataclasses import dataclass

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from robustkit.contracts.rows import Rows, join, put, select
from tests.far import far_device, waits


@dataclass
class Inner(Rows):
    number: Tensor
    words: list[str]


@dataclass
class Outer(Rows):
    inner: Inner
    values: Tensor
    shared: str
    nothing: Tensor | None = None


def rows(start: int, count: int) -> Outer:
    numbers = torch.arange(start, start + count)
    inner = Inner(numbers, [str(n) for n in numbers.tolist()])
    return Outer(inner, torch.stack([numbers, numbers + 0.5], 1), "shared")


def said(outer: Outer) -> list[tuple[int, str, list[float]]]:
    return list(zip(outer.inner.number.tolist(), outer.inner.words, outer.values.tolist(), strict=True))


@given(st.integers(1, 6), st.data())
def test_rows_are_chosen_at_every_depth(count: int, data: st.DataObject) -> None:
    index = data.draw(st.lists(st.integers(0, count - 1), max_size=8))
    chosen = select(rows(0, count), torch.tensor(index, dtype=torch.long))
    assert said(chosen) == [said(rows(0, count))[i] for i in index]
    assert (chosen.shared, chosen.nothing) == ("shared", None)


@given(st.integers(0, 5), st.integers(0, 5))
def test_joined_rows_come_one_after_another(one: int, other: int) -> None:
    assert said(join(rows(0, one), rows(one, other))) == said(rows(0, one + other))


@given(st.permutations(range(5)), st.integers(0, 5))
def test_what_is_put_back_is_where_it_was(order: list[int], count: int) -> None:
    index = torch.tensor(order[:count], dtype=torch.long)
    whole = rows(0, 5)
    changed = put(whole, index, select(rows(10, 5), index))
    assert said(changed) == [said(rows(10, 5))[i] if i in order[:count] else said(whole)[i] for i in range(5)]
    assert said(whole) == said(rows(0, 5))


def test_an_index_in_the_hosts_memory_costs_no_wait_wherever_the_rows_are() -> None:
    with far_device() as device:
        mixed = Inner(torch.arange(4, device=device), list("abcd"))
        pair = Outer(mixed, torch.arange(4.0), "shared")
        index = torch.tensor([2, 0])
        chosen, changed = select(pair, index), put(pair, index, select(pair, index.flip(0)))
        assert not waits
    assert (chosen.inner.number.here.tolist(), chosen.inner.words, chosen.values.tolist()) == ([2, 0], ["c", "a"], [2.0, 0.0])
    assert (changed.inner.number.here.tolist(), changed.inner.words) == ([2, 1, 0, 3], ["c", "b", "a", "d"])
