"""The colours asked for and printed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from robustkit.benchmarks.sticker.colours import MOST, colours
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker

SIGN = Sign.rectangle("plate", 10, 10)


def test_frequent_colours_come_first_with_what_is_printed() -> None:
    texture = torch.zeros(3, 4, 4)
    texture[:, 0] = 1
    asked = Sticker(texture, torch.ones(1, 4, 4), SIGN)
    black, white = colours(asked, replace(asked, texture=texture * 0.5 + 0.2))
    assert (black.asked, white.asked) == ((0, 0, 0), (1, 1, 1))
    assert (black.share, white.share) == (0.75, 0.25)
    assert black.printed == pytest.approx((0.2, 0.2, 0.2))
    assert white.delta_e > 5


def test_texels_beside_the_sticker_do_not_count_and_many_colours_are_joined() -> None:
    texture = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    alpha = torch.ones(1, 8, 8)
    asked = Sticker(texture, alpha, SIGN)
    found = colours(asked, asked)
    assert len(found) <= MOST
    assert sum(each.share for each in found) == pytest.approx(1)
    assert all(each.delta_e == 0 for each in found)
    assert colours(replace(asked, alpha=0 * alpha), asked) == []
