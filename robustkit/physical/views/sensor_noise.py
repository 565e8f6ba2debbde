"""Sensor noise: photons arrive by chance, reading them adds more, and the well overflows.

References
----------
Foi et al., Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data, IEEE TIP 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image
from robustkit.projections import clip
from robustkit.rng import SampleRandom


@dataclass(frozen=True, kw_only=True)
class SensorNoise(View):
    """Normal noise of variance ``shot * light + read ** 2``, independent in each pixel and channel, clipped to [0, 1].

    Parameters
    ----------
    shot
        Range of the variance at white, the reciprocal of the photons that saturate a pixel; drawn evenly in its root.
    read
        Range of the standard deviation at black.
    """

    shot: Range = (0.0, 0.002)
    read: Range = (0.0, 0.004)

    name: ClassVar[str] = "sensor-noise"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("shot", self.shot, 0, 1)
        check_range("read", self.read, 0, 1)

    def sample(self, draws: Draws) -> Parameters:
        low, high = self.shot
        return {
            "shot": draws.between(low**0.5, high**0.5, (), "shot") ** 2,
            "read": draws.between(*self.read, (), "read"),
            "key": draws.integers(2**31, (), "key"),
        }

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        # The noise itself is drawn here, where the picture's size is known, from a key of each sample's own.
        noise = SampleRandom(0, self.name).normal(parameters["key"], images.shape[1:], dtype=images.dtype)
        variance = per_image(parameters["shot"]) * images + per_image(parameters["read"]) ** 2
        # The root has no finite slope at 0.
        return clip(images + noise * variance.clamp_min(1e-16).sqrt(), (0, 1))
