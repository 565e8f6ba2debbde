"""Chains of views: the world, then the lens, the sensor and the camera's processing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical.views.base import Parameters, View
from robustkit.physical.views.defocus import Defocus
from robustkit.physical.views.exposure import Exposure
from robustkit.physical.views.jpeg import JPEG
from robustkit.physical.views.jpeg_codec import JPEGCodec
from robustkit.physical.views.motion_blur import MotionBlur
from robustkit.physical.views.occlusion import Occlusion
from robustkit.physical.views.sensor_noise import SensorNoise
from robustkit.physical.views.shadow_edge import ShadowEdge
from robustkit.physical.views.temperature import Temperature
from robustkit.physical.views.tone_curve import ToneCurve
from robustkit.projections import clip
from robustkit.rng import SampleRandom


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Views applied one after another.

    Parameters
    ----------
    name
        Chains of other names draw other random numbers.
    views
        In order, each name once.
    """

    name: str
    views: tuple[View, ...]

    def __post_init__(self) -> None:
        names = [view.name for view in self.views]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"view {name!r} is in chain {self.name!r} twice and would draw the same numbers: give it once")

    def draw(self, ids: Tensor, random: SampleRandom, step: Tensor | int = 0) -> dict[str, Parameters]:
        """Each view's parameters by its name, for samples ``(B,)``; see `View.draw`."""
        own = SampleRandom(random.seed, f"{random.purpose}/{self.name}")
        return {view.name: view.draw(ids, own, step) for view in self.views}

    def __call__(self, images: Tensor, parameters: dict[str, Parameters]) -> Tensor:
        """The pictures of sRGB images ``(B, 3, H, W)``, clipped to [0, 1]."""
        linear = False
        for view in self.views:
            if view.linear != linear:
                images = srgb_to_linear(images) if view.linear else linear_to_srgb(images)
                linear = view.linear
            images = view.act(images, parameters[view.name])
        return clip(linear_to_srgb(images) if linear else images, (0, 1))

    def without(self, name: str) -> Chain:
        """The chain without one view; the others draw the same as before.

        Raises
        ------
        UsageError
            If there is no such view.
        """
        if name not in (names := [view.name for view in self.views]):
            raise UsageError(f"view {brief(name)} is not in chain {self.name!r}: {did_you_mean(name, names)}")
        return replace(self, views=tuple(view for view in self.views if view.name != name))


#: ``camera`` is what an attack prepares for; ``camera-real`` is held out for evaluation, with other draws from wider ranges
#: and the real codec.
CHAINS = MappingProxyType(
    {
        chain.name: chain
        for chain in (
            Chain(
                name="camera",
                views=(
                    Occlusion(),
                    Temperature(),
                    ShadowEdge(),
                    Exposure(),
                    Defocus(),
                    MotionBlur(),
                    SensorNoise(),
                    ToneCurve(),
                    JPEG(),
                ),
            ),
            Chain(
                name="camera-real",
                views=(
                    Occlusion(size=(0.02, 0.14)),
                    Temperature(kelvin=(4000, 10000)),
                    ShadowEdge(light=(0.3, 1.0), softness=(0.01, 0.4)),
                    Exposure(stops=(-0.9, 0.9)),
                    Defocus(radius_px=(0.0, 1.3)),
                    MotionBlur(length_px=(0.0, 2.0)),
                    SensorNoise(shot=(0.0, 0.003), read=(0.0, 0.006)),
                    ToneCurve(gamma=(0.8, 1.25), contrast=(-0.2, 0.3)),
                    JPEGCodec(quality=(40, 98)),
                ),
            ),
        )
    }
)


def load_chain(name: str) -> Chain:
    """The chain of this name, ``camera`` or ``camera-real``.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in CHAINS:
        raise UsageError(f"chain {brief(name)} is unknown: {did_you_mean(name, CHAINS)}")
    return CHAINS[name]
