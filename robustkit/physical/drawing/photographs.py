"""Labelled pictures of all signs as a camera delivers them: the data of ``builtin/signs`` and of its classifier."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from robustkit.physical.drawing.catalogue import CLASSES
from robustkit.physical.drawing.roadside import roadside
from robustkit.physical.views.chain import Chain
from robustkit.physical.views.defocus import Defocus
from robustkit.physical.views.exposure import Exposure
from robustkit.physical.views.jpeg_codec import JPEGCodec
from robustkit.physical.views.motion_blur import MotionBlur
from robustkit.physical.views.occlusion import Occlusion
from robustkit.physical.views.sensor_noise import SensorNoise
from robustkit.physical.views.shadow_edge import ShadowEdge
from robustkit.physical.views.temperature import Temperature
from robustkit.physical.views.tone_curve import ToneCurve
from robustkit.rng import SampleRandom

CHAIN = Chain(
    name="signs",
    views=(
        Occlusion(shapes=(0, 2), size=(0.03, 0.12)),
        Temperature(kelvin=(4000, 10000)),
        ShadowEdge(light=(0.3, 1.0), softness=(0.01, 0.4)),
        Exposure(stops=(-2.0, 0.8)),
        Defocus(radius_px=(0.0, 1.2)),
        MotionBlur(length_px=(0.0, 2.0)),
        SensorNoise(shot=(0.0, 0.003), read=(0.0, 0.006)),
        ToneCurve(gamma=(0.8, 1.25), contrast=(-0.2, 0.3)),
        JPEGCodec(quality=(40, 98)),
    ),
)


def photographs(first: int, count: int, seed: int, *, size_px: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images ``(count, size_px, size_px, 3)`` and their labels, the index of each sign in `CLASSES`.

    Parameters
    ----------
    first
        Id of the first; a picture depends on its id and the seed alone, and every class comes in turn.
    """
    ids = torch.arange(first, first + count)
    labels = ids % len(CLASSES)
    random = SampleRandom(seed, "signs")
    frames = torch.empty(count, 3, size_px, size_px)
    for label in sorted(set(labels.tolist())):
        chosen = (labels == label).nonzero().squeeze(1)
        frames[chosen] = roadside(CLASSES[label], ids[chosen], random, size_px=size_px).frames
    seen = CHAIN(frames, CHAIN.draw(ids, random))
    images = (seen * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return images, labels.numpy()
