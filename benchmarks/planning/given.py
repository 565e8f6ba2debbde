"""Checks of an audit's arguments before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, brief
from robustkit.threats import Threat


def check_model_given(model: Any) -> None:
    """Raise `UsageError` unless `model` is a model or a name."""
    if not isinstance(model, Model | str):
        raise UsageError(f"the model is a {type(model).__name__}: give a robustkit.Model, such as rk.Model(net), or a name")


def check_count(name: str, value: Any) -> None:
    """Raise `UsageError` unless `value` is a positive integer."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{name}={brief(value)} must be a positive integer")


def check_share(name: str, value: Any) -> None:
    """Raise `UsageError` unless `value` is a number in [0, 1]."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) <= 1:
        raise UsageError(f"{name}={brief(value)} must be a number between 0 and 1, such as 0.5")


def read_threats(threats: Sequence[Threat | str] | Threat | str) -> list[Threat]:
    """The threats as objects; accepts objects and texts, in a sequence or alone.

    Raises
    ------
    UsageError
        If an item is neither, or its text is not a valid threat.
    """
    found = []
    for each in [threats] if isinstance(threats, str | Threat) else threats:
        if not isinstance(each, Threat | str):
            raise UsageError(f"threat {brief(each)} is a {type(each).__name__}: write a text such as 'linf:8/255'")
        found.append(Threat.parse(each) if isinstance(each, str) else each)
    return found


def read_attacks(attacks: Sequence[str] | str) -> list[str]:
    """The attacks as a list; accepts a sequence of texts or a single text.

    Raises
    ------
    UsageError
        If an item is not a text, or is given twice.
    """
    found = [attacks] if isinstance(attacks, str) else list(attacks)
    for each in found:
        if not isinstance(each, str):
            raise UsageError(f"attack {brief(each)} is a {type(each).__name__}: write a text such as 'pgd:steps=40'")
        if found.count(each) > 1:
            raise UsageError(f"attack {brief(each)} is given twice: name each attack once")
    return found
