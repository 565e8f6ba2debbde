"""Numbers as people write them: ``0.5``, ``2e-3``, ``8/255``."""

from __future__ import annotations

import math


def read_number(text: str) -> float:
    """The finite number that a text says, a fraction of two numbers included.

    In floats throughout: an exact ``1e1000000000`` would take a gigabyte of digits.

    Raises
    ------
    ValueError
        If it says none, or one that is too large.
    """
    top, slash, bottom = text.partition("/")
    divisor = float(bottom) if slash else 1.0
    if divisor == 0:
        raise ValueError(f"{text!r} divides by 0")
    number = float(top) / divisor
    if not (math.isfinite(number) and math.isfinite(divisor)):
        raise ValueError(f"{text!r} is no finite number")
    return number
