"""A sticker trimmed to less of the sign."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from robustkit.benchmarks.sticker.trimmed import trimmed
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker

SIGN = Sign.rectangle("plate", 10, 10)


def test_the_middle_of_every_piece_stays() -> None:
    alpha = torch.zeros(1, 9, 9)
    alpha[0, :3, :3] = alpha[0, 5:8, 5:8] = 1
    kept = trimmed(Sticker.plain(SIGN, alpha), 2 / 18).alpha[0]
    assert kept.nonzero().tolist() == [[1, 1], [6, 6]]


@given(st.floats(0, 1))
def test_the_share_is_met_to_half_a_texel_within_the_mask(share: float) -> None:
    alpha = torch.zeros(1, 8, 8)
    alpha[0, 1:6, 2:7] = 1
    kept = trimmed(Sticker.plain(SIGN, alpha), share).alpha
    assert abs(float(kept.sum()) - 25 * share) <= 0.5
    assert bool((kept <= alpha).all())
