"""Stickers in the real world: signs in centimetres, stickers with opacity, and how a camera sees them."""

from robustkit.physical.pose import Camera, Pose, apparent_size_px, homography_from_corners, project
from robustkit.physical.sign import Sign, load_sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.warp import composite

__all__ = [
    "Camera",
    "Pose",
    "Sign",
    "Sticker",
    "apparent_size_px",
    "composite",
    "homography_from_corners",
    "load_sign",
    "project",
]
