"""Checks that plugins (attacks, threats and defenses) satisfy their contracts."""

from robustkit.conformance.attack import check_attack
from robustkit.conformance.defense import check_defense
from robustkit.conformance.threat import check_kind

__all__ = ["check_attack", "check_defense", "check_kind"]
