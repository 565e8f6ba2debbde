"""Checks that a plugin keeps its contract: attacks, threats and defenses."""

from robustkit.conformance.attack import check_attack
from robustkit.conformance.defense import check_defense
from robustkit.conformance.threat import check_kind

__all__ = ["check_attack", "check_defense", "check_kind"]
