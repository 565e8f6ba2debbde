"""Brightness: the same value added to every element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.attacks.natural.sweep import Sweep
from robustkit.plugin import AttackInfo


@dataclass(frozen=True, kw_only=True)
class Brightness(Sweep):
    """Adds the same value to every element, searched over the threat's range; see `Sweep`."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="brightness",
        threats=("brightness",),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261",
    )
