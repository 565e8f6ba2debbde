"""Scenes: pictures of a sign, where the sign is in each, and how they look with a sticker on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from robustkit.colour import srgb_to_linear
from robustkit.contracts.rows import Rows, select
from robustkit.errors import UsageError
from robustkit.physical.pose import Camera, Pose, homography_from_corners
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.views import Chain, Parameters, Relight
from robustkit.physical.warp import composite, warp
from robustkit.rng import SampleRandom


@dataclass(frozen=True, eq=False)
class Scenes(Rows):
    """Pictures of a sign, one row a scene.

    Parameters
    ----------
    frames
        sRGB in [0, 1], ``(N, 3, H, W)``.
    ids
        ``(N,)`` integers that determine each scene's random numbers.
    labels
        The sign's true class, ``(N,)``.
    homography
        From cm on the sign to pixels, ``(N, 3, 3)`` on the CPU. None if the sign fills the frames and a texel is a pixel.
    targets
        The wanted class ``(N,)`` of a targeted attack, None otherwise.
    gain, offset
        The light on each scene's sign, ``(N, 3)``, see `relit`; None for neutral light.
    """

    frames: Tensor
    ids: Tensor
    labels: Tensor
    homography: Tensor | None = None
    targets: Tensor | None = None
    gain: Tensor | None = None
    offset: Tensor | None = None

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[1] != 3:
            raise UsageError(f"frames of shape {tuple(self.frames.shape)} must be colour pictures (N, 3, H, W)")
        for name in ("ids", "labels", "homography", "targets", "gain", "offset"):
            value = getattr(self, name)
            if value is not None and len(value) != len(self.frames):
                raise UsageError(f"{name} has {len(value)} rows for {len(self.frames)} frames: give one for each")

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def filled(cls, frames: Tensor, labels: Tensor, sign: Sign, ids: Tensor | None = None) -> Scenes:
        """Photographs cropped to the sign, whose bounding box is the frame."""
        height, width = frames.shape[-2:]
        across, down = width / sign.width_cm, height / sign.height_cm
        homography = torch.tensor([[across, 0, width / 2], [0, down, height / 2], [0, 0, 1]], dtype=torch.float64)
        return cls(frames, _ids(frames, ids), labels, homography.repeat(len(frames), 1, 1))

    @classmethod
    def cornered(
        cls, frames: Tensor, labels: Tensor, corners_px: Tensor, corners_cm: Tensor, ids: Tensor | None = None
    ) -> Scenes:
        """Photographs with known corners of the sign; see `homography_from_corners`."""
        return cls(frames, _ids(frames, ids), labels, homography_from_corners(corners_px.cpu(), corners_cm.cpu()))

    @classmethod
    def rendered(
        cls, artwork: Sticker, poses: Pose, camera: Camera, backgrounds: Tensor, labels: Tensor, ids: Tensor | None = None
    ) -> Scenes:
        """A drawn sign seen from some poses before backgrounds ``(N, 3, H, W)``, which have the camera's size."""
        if tuple(backgrounds.shape[-2:]) != camera.size_px:
            raise UsageError(
                f"backgrounds of {tuple(backgrounds.shape[-2:])} pixels do not fit the camera's {camera.size_px}: make them as large"
            )
        homography = poses.homography(camera)
        return cls(artwork.on(backgrounds, homography), _ids(backgrounds, ids), labels, homography)

    def rows(self, index: Tensor) -> Scenes:
        """The scenes at these positions."""
        return select(self, index)

    def aimed(self, target: int | None) -> Scenes:
        """The scenes with one class as the target of all, or none."""
        return replace(self, targets=None if target is None else torch.full_like(self.labels, target))

    def relit(self, artwork: Sticker) -> Scenes:
        """The scenes with the light that falls on each one's sign, fitted to the sign's own pixels; see `Relight.fit`."""
        if self.homography is None:
            raise UsageError(
                "scenes without a homography show no sign whose light could be fitted: make them with Scenes.filled"
            )
        colour, alpha = artwork.warp(self.homography, (self.frames.shape[2], self.frames.shape[3]))
        light = Relight.fit(composite(torch.zeros_like(self.frames), colour, alpha), self.frames, (alpha == 1).float())
        return replace(self, gain=light["gain"], offset=light["offset"])

    def split(self, seed: int, shares: tuple[float, ...]) -> tuple[Scenes, ...]:
        """Disjoint parts of about these shares, drawn from the seed and the scenes' ids alone.

        Raises
        ------
        UsageError
            If a part would be empty.
        """
        order = SampleRandom(seed, "scenes").uniform(self.ids, (), dtype=torch.float64).argsort()
        ends = [round(len(self) * sum(shares[: k + 1]) / sum(shares)) for k in range(len(shares))]
        starts = [0, *ends[:-1]]
        if any(start == end for start, end in zip(starts, ends, strict=True)):
            raise UsageError(f"{len(self)} scenes are too few for {len(shares)} parts: give more pictures of the sign")
        return tuple(self.rows(order[start:end].sort().values) for start, end in zip(starts, ends, strict=True))

    def show(
        self, sticker: Sticker | None, views: Chain | None = None, parameters: dict[str, Parameters] | None = None
    ) -> Tensor:
        """The pictures with the sticker on the sign, or without one, as views with these drawn parameters show them."""
        images = self.frames if sticker is None else composite(self.frames, *self._seen(sticker))
        return images if views is None or parameters is None else views(images, parameters)

    def _seen(self, sticker: Sticker) -> tuple[Tensor, Tensor]:
        """The sticker's colour times its opacity in linear light, and its opacity, in every scene."""
        texture, alpha = sticker.texture, sticker.alpha
        if self.homography is None:
            if tuple(alpha.shape[-2:]) != tuple(self.frames.shape[-2:]):
                raise UsageError(
                    f"a sticker of {tuple(alpha.shape[-2:])} texels does not fit frames of {tuple(self.frames.shape[-2:])} pixels that "
                    "have no homography: make it as large"
                )
            return srgb_to_linear(texture)[None] * alpha, alpha[None]
        homography, size_px = self.homography, (self.frames.shape[2], self.frames.shape[3])
        if self.gain is not None and self.offset is not None:
            texture = Relight()(texture.expand(len(self), -1, -1, -1), {"gain": self.gain, "offset": self.offset})
        elif len(homography) > 1 and torch.equal(homography, homography[:1].expand_as(homography)):
            homography = homography[:1]
        return warp(texture, alpha, homography, size_cm=sticker.size_cm, size_px=size_px)


def _ids(frames: Tensor, ids: Tensor | None) -> Tensor:
    return torch.arange(len(frames), device=frames.device) if ids is None else ids
