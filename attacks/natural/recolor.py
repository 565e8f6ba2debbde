"""ReColor: one mapping of colours for the whole image (Laidlaw and Feizi, arXiv 1906.00001)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from robustkit.plugin import AttackInfo, ParametricAttack


@dataclass(frozen=True, kw_only=True)
class ReColor(ParametricAttack):
    """Sign-gradient ascent on the cross-entropy over the offsets at the nodes of a colour grid; see `RecolorThreat`."""

    info: ClassVar[AttackInfo] = AttackInfo(
        name="recolor",
        threats=("recolor",),
        knowledge="white-box",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards",
        paper="Functional Adversarial Attacks, arXiv 1906.00001",
    )
