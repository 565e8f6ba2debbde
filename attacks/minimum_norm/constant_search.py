"""Per-sample search for the smallest weight of misclassification that still gives adversarial images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.plugin import State


@dataclass(kw_only=True)
class ConstantState(State):
    """State of the search for the constant.

    Parameters
    ----------
    constant
        ``(B,)``: the weight of misclassification relative to distance in the current search.
    lower, upper
        ``(B,)``: the largest constant that failed and the smallest that succeeded; initially 0 and infinity.
    found
        ``(B,)``: whether the current search has found an adversarial image.
    """

    constant: Tensor
    lower: Tensor
    upper: Tensor
    found: Tensor


def next_constant(state: ConstantState, adversarial: Tensor, step: Tensor, steps: int) -> dict[str, Tensor]:
    """The fields of `ConstantState` after a query; after the last query of a search, those of the next search.

    The constant is multiplied by ten until a search succeeds, then bisected. Each search continues from the previous one's
    last image, so only the second half of a search decides whether its constant is sufficient: early successes may still be
    due to the previous constant.

    Parameters
    ----------
    adversarial
        Bool ``(B,)``: whether the query was misclassified with sufficient margin.
    step
        ``(B,)``: number of previous queries in the current search.
    steps
        Queries per search.
    """
    found = state.found | (adversarial & (2 * (step + 1) > steps))
    last = step == steps - 1
    lower = torch.where(last & ~found, state.lower.maximum(state.constant), state.lower)
    upper = torch.where(last & found, state.upper.minimum(state.constant), state.upper)
    following = torch.where(upper.isfinite(), (lower + upper) / 2, 10 * state.constant)
    constant = torch.where(last, following, state.constant)
    return {"constant": constant, "lower": lower, "upper": upper, "found": found & ~last}
