"""A search, within each sample's own state, for the least weight of misclassification that still finds adversarial images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.plugin import State


@dataclass(kw_only=True)
class ConstantState(State):
    """Where the search for the constant stands.

    Parameters
    ----------
    constant
        ``(B,)``: the weight of misclassification against distance in the search that is under way.
    lower, upper
        ``(B,)``: the greatest constant that found nothing, and the least that found something; 0 and infinity before.
    found
        ``(B,)``: whether the search under way has found an adversarial image.
    """

    constant: Tensor
    lower: Tensor
    upper: Tensor
    found: Tensor


def next_constant(state: ConstantState, adversarial: Tensor, step: Tensor, steps: int) -> dict[str, Tensor]:
    """The fields of `ConstantState` after a query; where it was the last of its search, those of the next search.

    The constant is multiplied by ten until a search finds something, then bisected. Searches go on from where the last one
    ended, so whether a constant suffices is judged by the second half of its search: the first may still stand where
    another constant led.

    Parameters
    ----------
    adversarial
        Bool ``(B,)``: whether the query was misclassified by enough.
    step
        ``(B,)``: queries of the search under way that came before.
    steps
        Queries of a search.
    """
    found = state.found | (adversarial & (2 * (step + 1) > steps))
    last = step == steps - 1
    lower = torch.where(last & ~found, state.lower.maximum(state.constant), state.lower)
    upper = torch.where(last & found, state.upper.minimum(state.constant), state.upper)
    following = torch.where(upper.isfinite(), (lower + upper) / 2, 10 * state.constant)
    constant = torch.where(last, following, state.constant)
    return {"constant": constant, "lower": lower, "upper": upper, "found": found & ~last}
