"""Stickers in the real world: signs in centimetres, stickers with opacity, and how a camera sees them."""

from robustkit.physical.feature_size import smallest_feature_mm, too_fine
from robustkit.physical.masks import area_share, load_mask
from robustkit.physical.pose import Camera, Pose, apparent_size_px, homography_from_corners, project
from robustkit.physical.sign import Sign, load_sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.vulnerable import vulnerable_boxes
from robustkit.physical.warp import composite

__all__ = [
    "Camera",
    "Pose",
    "Sign",
    "Sticker",
    "apparent_size_px",
    "area_share",
    "composite",
    "homography_from_corners",
    "load_mask",
    "load_sign",
    "project",
    "smallest_feature_mm",
    "too_fine",
    "vulnerable_boxes",
]
