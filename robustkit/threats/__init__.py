"""Threat models: the changes that an attacker may make to an image."""

from robustkit.contracts.threat import Goal, Knowledge, Threat
from robustkit.threats.corruption import CorruptionThreat
from robustkit.threats.flow import FlowThreat
from robustkit.threats.lighting import BrightnessThreat, ContrastThreat, HueThreat
from robustkit.threats.natural import NaturalThreat
from robustkit.threats.norm import Norm, NormThreat, in_box, norm_of
from robustkit.threats.patch import PatchThreat
from robustkit.threats.recolor import RecolorThreat
from robustkit.threats.rendered import RenderedThreat
from robustkit.threats.sensor import SensorThreat
from robustkit.threats.shadow import ShadowThreat
from robustkit.threats.spatial import SpatialThreat
from robustkit.threats.sticker import StickerThreat

__all__ = [
    "BrightnessThreat",
    "ContrastThreat",
    "CorruptionThreat",
    "FlowThreat",
    "Goal",
    "HueThreat",
    "Knowledge",
    "NaturalThreat",
    "Norm",
    "NormThreat",
    "PatchThreat",
    "RecolorThreat",
    "RenderedThreat",
    "SensorThreat",
    "ShadowThreat",
    "SpatialThreat",
    "StickerThreat",
    "Threat",
    "in_box",
    "norm_of",
]
