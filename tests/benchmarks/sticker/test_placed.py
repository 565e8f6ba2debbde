"""Where stickers may be."""

from __future__ import annotations

import pytest
import torch

from robustkit.benchmarks.sticker.placed import placed
from robustkit.benchmarks.sticker.workflow import Order
from robustkit.errors import UsageError
from robustkit.physical.masks import area_share


def alpha(order: Order, mask: str, shape: tuple[int, int] = (16, 16)) -> torch.Tensor:
    return placed(mask, order.stage.sign, shape, order.model, order.stage, order.target)


def test_the_whole_sign_and_bars(order: Order) -> None:
    assert torch.equal(alpha(order, "whole"), order.stage.sign.coverage((16, 16)))
    assert area_share(alpha(order, "bars", (64, 64)), order.stage.sign) == pytest.approx(4 * 0.24 * 0.1 / 0.828, abs=0.01)
    assert area_share(alpha(order, "square", (64, 64)), order.stage.sign) == pytest.approx(0.49 / 0.828, abs=0.01)


def test_the_most_vulnerable_place_of_a_model_that_looks_at_the_middle(order: Order) -> None:
    found = alpha(order, "vulnerable:10%")
    assert 0.05 < area_share(found, order.stage.sign) <= 0.1
    assert float(found[0, 3:13, 3:13].sum()) > 0.7 * float(found.sum())


@pytest.mark.parametrize("mask", ["bar", "nothing.png", "vulnerable:x", "vulnerable:10", "vulnerable:120%"])
def test_a_mask_that_is_none_is_named(order: Order, mask: str) -> None:
    with pytest.raises(UsageError, match=mask):
        alpha(order, mask)
