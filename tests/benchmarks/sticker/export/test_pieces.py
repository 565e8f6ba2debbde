"""The pieces of a sticker."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from robustkit.benchmarks.sticker.export.pieces import pieces
from robustkit.errors import UsageError
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker

SIGN = Sign.rectangle("test", 40, 20)


def test_two_rectangles() -> None:
    alpha, texture = torch.zeros(1, 10, 20), torch.zeros(3, 10, 20)
    alpha[:, 1:4, 12:18] = 1
    alpha[:, 6:8, 2:4] = 1
    texture[:, 6:8, 2:4] = torch.tensor([1.0, 0.5, 0.0])[:, None, None]
    first, second = pieces(Sticker(texture, alpha, SIGN))
    assert (first.name, first.left_mm, first.top_mm, first.width_mm, first.height_mm) == ("S1", 240, 20, 120, 60)
    assert (second.name, second.left_mm, second.top_mm, second.width_mm, second.height_mm) == ("S2", 40, 120, 40, 40)
    assert second.colours.tolist() == [[[255, 128, 0]] * 2] * 2
    assert second.mask.all()


def test_corners_do_not_hold_paper_together() -> None:
    assert len(pieces(Sticker(torch.zeros(3, 2, 2), torch.eye(2)[None], SIGN))) == 2


def test_paper_is_there_from_half_opacity() -> None:
    alpha = torch.tensor([[[0.49, 0.5, 1.0, 0.0]]])
    (piece,) = pieces(Sticker(torch.zeros(3, 1, 4), alpha, SIGN))
    assert (piece.column, piece.mask.shape) == (1, (1, 2))


def test_an_empty_mask_is_an_error() -> None:
    with pytest.raises(UsageError, match="'test' has an empty mask"):
        pieces(Sticker(torch.zeros(3, 2, 2), torch.zeros(1, 2, 2), SIGN))


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.booleans()))
def test_every_texel_is_in_exactly_one_piece(mask: NDArray[np.bool_]) -> None:
    if not mask.any():
        return
    count = np.zeros(mask.shape, int)
    for piece in pieces(Sticker(torch.zeros(3, *mask.shape), torch.from_numpy(mask).float()[None], SIGN)):
        rows, columns = piece.mask.shape
        count[piece.row : piece.row + rows, piece.column : piece.column + columns] += piece.mask
    assert np.array_equal(count, mask)
