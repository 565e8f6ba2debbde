"""Threat models: what an attacker may do to an image."""

from robustkit.threats.base import Goal, Knowledge, Threat
from robustkit.threats.norm import Norm, NormThreat, in_box, norm_of
from robustkit.threats.patch import PatchThreat

THREATS: dict[str, type[Threat]] = {
    "linf": NormThreat,
    "l2": NormThreat,
    "l1": NormThreat,
    "l0": NormThreat,
    "patch": PatchThreat,
}

__all__ = ["THREATS", "Goal", "Knowledge", "Norm", "NormThreat", "PatchThreat", "Threat", "in_box", "norm_of"]
