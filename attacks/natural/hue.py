"""Hue shifts at constant saturation and value (semantic adversarial examples, arXiv 1804.00499)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.attacks.natural.sweep import Sweep
from robustkit.plugin import AttackInfo


@dataclass(frozen=True, kw_only=True)
class Hue(Sweep):
    """Rotates all hues by the same angle, searched over the threat's range; see `Sweep`."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="hue",
        threats=("hue",),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Semantic Adversarial Examples, arXiv 1804.00499",
    )
