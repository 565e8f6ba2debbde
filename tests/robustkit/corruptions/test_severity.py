import pytest
import torch

from robustkit.corruptions.severity import is_small, strength


@pytest.mark.parametrize(("height", "width", "small"), [(63, 500, True), (500, 63, True), (64, 64, False), (28, 28, True)])
def test_the_shorter_side_decides(height, width, small):
    x = torch.zeros(1, 3, height, width)
    assert is_small(x) is small
    tables = "abcde", "vwxyz"
    assert [strength(x, severity, *tables) for severity in range(1, 6)] == list(tables[small])
