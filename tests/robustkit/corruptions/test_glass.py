import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.corruptions.glass import disorder, fronts


@pytest.mark.parametrize(("reach", "rounds"), [(1, 2), (2, 3), (4, 2)])
def test_disorder_is_that_of_one_pixel_after_the_other(reach, rounds):
    height, width = 17, 21
    x = torch.rand(2, 3, height, width)
    offsets = torch.randint(-reach, reach, (2, rounds, 2, height, width))
    expected = x.clone().permute(0, 2, 3, 1).numpy()
    for n in range(2):
        for turn in range(rounds):
            for h in range(height - reach, reach, -1):
                for w in range(width - reach, reach, -1):
                    right, down = offsets[n, turn, :, h, w].tolist()
                    expected[n, h, w] = expected[n, h + down, w + right]
    np.testing.assert_array_equal(disorder(x, reach, offsets).permute(0, 2, 3, 1).numpy(), expected)


def test_a_pixel_takes_the_colour_that_its_neighbour_has_by_then():
    x = torch.arange(25.0).reshape(1, 1, 5, 5)
    offsets = torch.zeros(1, 1, 2, 5, 5, dtype=torch.int64)
    offsets[:, :, 0] = -1  # all look to the left
    found = disorder(x, 1, offsets)[0, 0]
    assert found[3].tolist() == [15, 16, 16, 17, 18]  # right to left: each takes a colour that has not moved yet
    assert torch.equal(found[:2], x[0, 0, :2])  # rows within reach of the border do not take part
    assert torch.equal(disorder(x, 1, 0 * offsets), x)


@given(height=st.integers(1, 12), width=st.integers(1, 12), reach=st.integers(1, 4))
def test_pixels_that_go_at_once_cannot_meet_and_all_inner_ones_go_once(height, width, reach):
    order, sizes = fronts(height, width, reach)
    inner = [
        row * width + column for row in range(reach + 1, height - reach + 1) for column in range(reach + 1, width - reach + 1)
    ]
    assert sorted(order.tolist()) == inner
    for group in torch.split(order, sizes):
        columns = (group % width).tolist()
        assert all(abs(a - b) > reach for i, a in enumerate(columns) for b in columns[:i])
