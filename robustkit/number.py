"""Parsing of numbers such as ``0.5``, ``2e-3``, ``8/255``."""

from __future__ import annotations

import math


def read_number(text: str) -> float:
    """The finite number, or fraction of two numbers, in a text.

    Uses floats only: an exact ``1e1000000000`` would take a gigabyte of digits.

    Raises
    ------
    ValueError
        If the text is not a number, or the number is too large.
    """
    top, slash, bottom = text.partition("/")
    divisor = float(bottom) if slash else 1.0
    if divisor == 0:
        raise ValueError(f"{text!r} divides by 0")
    number = float(top) / divisor
    if not (math.isfinite(number) and math.isfinite(divisor)):
        raise ValueError(f"{text!r} is not a finite number")
    return number
