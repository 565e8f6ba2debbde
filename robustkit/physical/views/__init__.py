"""The camera and the world as small differentiable transforms, each with its own distribution and random numbers."""

from robustkit.physical.views.base import Parameters, Range, View
from robustkit.physical.views.chain import CHAINS, Chain, load_chain
from robustkit.physical.views.defocus import Defocus
from robustkit.physical.views.exposure import Exposure
from robustkit.physical.views.jpeg import JPEG
from robustkit.physical.views.jpeg_codec import JPEGCodec
from robustkit.physical.views.motion_blur import MotionBlur
from robustkit.physical.views.occlusion import Occlusion
from robustkit.physical.views.poses import POSES, DriveBy, Poses, Stationary, load_poses
from robustkit.physical.views.relight import Relight
from robustkit.physical.views.sensor_noise import SensorNoise
from robustkit.physical.views.shadow_edge import ShadowEdge
from robustkit.physical.views.temperature import Temperature
from robustkit.physical.views.tone_curve import ToneCurve

__all__ = [
    "CHAINS",
    "JPEG",
    "POSES",
    "Chain",
    "Defocus",
    "DriveBy",
    "Exposure",
    "JPEGCodec",
    "MotionBlur",
    "Occlusion",
    "Parameters",
    "Poses",
    "Range",
    "Relight",
    "SensorNoise",
    "ShadowEdge",
    "Stationary",
    "Temperature",
    "ToneCurve",
    "View",
    "load_chain",
    "load_poses",
]
