import pytest
import torch
from torch.utils.data import Dataset

from robustkit.training.cache import Remembered


class Counted(Dataset):
    """Items of 16 bytes that count how often each was read."""

    def __init__(self):
        self.reads = [0] * 4

    def __getitem__(self, index):
        self.reads[index] += 1
        return torch.full((1, 2, 2), float(index)), index


@pytest.mark.parametrize(("limit", "reads"), [(1000, [1, 1, 1, 1]), (32, [1, 1, 3, 3]), (0, [3, 3, 3, 3])])
def test_items_are_read_once_as_long_as_there_is_room(limit, reads):
    source = Counted()
    remembered = Remembered(source, limit)
    for _ in range(3):
        for index in range(4):
            image, label = remembered[index]
            assert (float(image.mean()), label) == (index, index)
    assert source.reads == reads


def test_what_does_not_fit_takes_no_room():
    source = Counted()
    remembered = Remembered(source, 40)
    for index in (0, 1, 2, 3, 2, 3, 0, 1):
        remembered[index]
    assert sorted(remembered.items) == [0, 1]
