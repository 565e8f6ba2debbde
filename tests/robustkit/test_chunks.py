"""Passes in parts: their order, and half of a part where memory runs out."""

import pytest
import torch

from robustkit.chunks import chunk_size, in_chunks
from robustkit.errors import AttackError

CPU = torch.device("cpu")


class Memory:
    """Room for so many rows at once."""

    def __init__(self, room: int, size: int) -> None:
        self.room, self.size, self.asked = room, size, []

    def double(self, rows):
        self.asked.append(len(rows))
        if len(rows) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        return rows, 2 * rows

    def shrink(self, most):
        self.size = most

    def run(self, rows):
        return in_chunks(self.double, rows, lambda: self.size, self.shrink)


def test_parts_are_joined_in_order():
    memory, rows = Memory(9, 4), torch.arange(10)
    same, doubled = memory.run(rows)
    assert torch.equal(same, rows)
    assert torch.equal(doubled, 2 * rows)
    assert memory.asked == [4, 4, 2]


def test_out_of_memory_halves_the_part_for_good():
    memory, rows = Memory(3, 10), torch.arange(10)
    assert torch.equal(memory.run(rows)[1], 2 * rows)
    assert memory.asked == [10, 5, 2, 2, 2, 2, 2]
    assert memory.size == 2


def test_no_rows_are_asked_about_once():
    memory = Memory(1, 4)
    assert len(memory.run(torch.arange(0))[0]) == 0
    assert memory.asked == [0]


def test_one_row_that_does_not_fit():
    with pytest.raises(AttackError, match="one image does not fit"):
        Memory(0, 4).run(torch.arange(2))


def test_other_errors_pass():
    def crash(rows):
        raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"):
        in_chunks(crash, torch.arange(3), lambda: 2, lambda most: None)


@pytest.mark.parametrize(("shape", "most"), [((3, 8, 8), 128), ((3, 224, 224), 27), ((3, 4096, 4096), 8)])
def test_large_images_come_in_smaller_parts(shape, most):
    assert chunk_size(torch.empty(1, *shape, device="meta"), CPU) == most
