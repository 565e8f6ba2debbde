"""Threat models: what an attacker may do to an image."""

from robustkit.threats.base import Goal, Knowledge, Threat
from robustkit.threats.corruption import CorruptionThreat
from robustkit.threats.lighting import BrightnessThreat, ContrastThreat, HueThreat
from robustkit.threats.natural import NaturalThreat
from robustkit.threats.norm import Norm, NormThreat, in_box, norm_of
from robustkit.threats.patch import PatchThreat
from robustkit.threats.spatial import SpatialThreat

THREATS: dict[str, type[Threat]] = {
    "linf": NormThreat,
    "l2": NormThreat,
    "l1": NormThreat,
    "l0": NormThreat,
    "patch": PatchThreat,
    "spatial": SpatialThreat,
    "brightness": BrightnessThreat,
    "contrast": ContrastThreat,
    "hue": HueThreat,
    "corruption": CorruptionThreat,
}

__all__ = [
    "THREATS",
    "BrightnessThreat",
    "ContrastThreat",
    "CorruptionThreat",
    "Goal",
    "HueThreat",
    "Knowledge",
    "NaturalThreat",
    "Norm",
    "NormThreat",
    "PatchThreat",
    "SpatialThreat",
    "Threat",
    "in_box",
    "norm_of",
]
