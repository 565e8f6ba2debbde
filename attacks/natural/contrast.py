"""Harder and softer images: differences from mid-grey grow or shrink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.attacks.natural.sweep import Sweep
from robustkit.plugin import AttackInfo


@dataclass(frozen=True, kw_only=True)
class Contrast(Sweep):
    """Differences from mid-grey times the same factor, over the threat's range: see `Sweep`."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="contrast",
        threats=("contrast",),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261",
    )
