"""Checks of a model's network and settings."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from robustkit.contracts.threat import Knowledge
from robustkit.errors import UsageError, brief

#: The kinds of knowledge that a model can give an attacker.
GIVEN: tuple[Knowledge, ...] = ("white-box", "score", "decision")


def check_network(net: object) -> None:
    """Raise `UsageError` if `net` is not a network, or has lazy or meta tensors, which have no values."""
    if not isinstance(net, nn.Module):
        raise UsageError(f"a model wraps a torch.nn.Module, not a {type(net).__name__}")
    lazy = next((name for name, value in (*net.named_parameters(), *net.named_buffers()) if is_lazy(value)), None)
    if lazy is not None:
        raise UsageError(
            f"{type(net).__name__} has lazy layers without values, such as {lazy}: pass one batch of images through it, or "
            "load its weights, before wrapping it in a model"
        )
    meta = next((name for name, value in (*net.named_parameters(), *net.named_buffers()) if value.is_meta), None)
    if meta is not None:
        raise UsageError(
            f"{type(net).__name__} has meta tensors, which have a shape and no values, such as {meta}: build it on a device and "
            "load its weights, before wrapping it in a model"
        )


def check_settings(bounds: Any, mean: Any, std: Any, batch_size: int | None, knowledge: Any) -> None:
    """Raise `UsageError` if the bounds are empty, mean and std do not fit each other, or another setting is out of range."""
    if not (
        isinstance(bounds, tuple | list)
        and len(bounds) == 2
        and all(isinstance(bound, Real) and math.isfinite(bound) for bound in bounds)
        and bounds[0] < bounds[1]
    ):
        raise UsageError(f"bounds {brief(bounds)} are not two numbers, the lower first: give (lowest, highest), such as (0, 1)")
    if (mean is None) != (std is None) or (mean is not None and std is not None and len(mean) != len(std)):
        raise UsageError("mean and std must be given together, with one value per channel each")
    if std is not None and min(std) <= 0:
        raise UsageError(f"std {tuple(std)} must be above 0 in every channel")
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"batch_size={batch_size} must be at least 1")
    if knowledge not in GIVEN:
        raise UsageError(f"knowledge {brief(knowledge)} is unknown for a model: use one of {', '.join(GIVEN)}")


def check_draws(draws: object) -> None:
    """Raise `UsageError` if `draws` is not a whole number of at least 1."""
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise UsageError(
            f"draws={brief(draws)} must be a whole number of at least 1: the number of passes per query of a randomised model"
        )
