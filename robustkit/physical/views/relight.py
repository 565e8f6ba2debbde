"""Relighting: what a printed colour looks like in the light of a given photograph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.colour import srgb_to_linear
from robustkit.corruptions.draws import Draws
from robustkit.errors import UsageError
from robustkit.physical.views.base import Parameters, Range, View, check_range, per_image

#: Ranks at which pixels are compared, and rounds of reweighting, which make the line follow the bulk of them.
_RANKS, _ROUNDS = 64, 10

#: Penalty on the offset, which decides where a sign of one colour leaves it open.
_RIDGE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Relight(View):
    """A gain (light) and an offset (haze, flare) for each channel in linear light: drawn, or from `fit`.

    Apply fitted parameters to the sticker's texture, before it is warped into the photo.

    Parameters
    ----------
    gain
        Range of each channel's factor; 1 for no change.
    offset
        Range of what is added to each channel; 0 for no change.
    """

    gain: Range = (0.9, 1.1)
    offset: Range = (0.0, 0.005)

    name: ClassVar[str] = "relight"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_range("gain", self.gain, 0, 100)
        check_range("offset", self.offset, -1, 1)

    def sample(self, draws: Draws) -> Parameters:
        return {"gain": draws.between(*self.gain, (3,), "gain"), "offset": draws.between(*self.offset, (3,), "offset")}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        return images * per_image(parameters["gain"]) + per_image(parameters["offset"])

    @staticmethod
    def fit(rendered: Tensor, photo: Tensor, mask: Tensor) -> Parameters:
        """The parameters that give a rendered sign the colours of its photo.

        The darkest pixels of one are compared with the darkest of the other, and so on, so that a sign drawn a little beside
        the photographed one, or in another font, is no error. What no gain and offset explain (dirt, a highlight) counts less
        with every round of a line's fit.

        Parameters
        ----------
        rendered, photo
            The sign in neutral light, and each photo, sRGB ``(B, 3, H, W)``; one rendering may serve all photos.
        mask
            The sign's own pixels, where above 0.5, ``(B, 1, H, W)``, or one mask for all.

        Raises
        ------
        UsageError
            If a mask is empty, or a channel of the rendered sign is 0 under it.
        """
        inside = (mask > 0.5).expand(len(photo), -1, -1, -1)
        if bool((empty := ~inside.flatten(1).any(1)).any()):
            raise UsageError(
                f"the mask of photo {int(empty.nonzero()[0])} is empty: give one that covers the sign's own pixels"
            )
        x, y = (_quantiles(srgb_to_linear(images), inside) for images in (rendered.expand_as(photo), photo))
        if bool((black := (x <= 0).all(2).any(1)).any()):
            raise UsageError(
                f"a channel of rendered sign {int(black.nonzero()[0])} is 0 under the mask, so that no gain can be fitted: "
                "give a mask with other colours of the sign, such as white"
            )
        weight = torch.ones_like(x)
        for _ in range(_ROUNDS):
            gain, offset = _line(x, y, weight)
            miss = (y - gain[..., None] * x - offset[..., None]).abs()
            weight = 1 / (1 + (miss / miss.mean(2, keepdim=True).clamp_min(1e-3)) ** 2)
        return {"gain": gain, "offset": offset}


def _quantiles(images: Tensor, inside: Tensor) -> Tensor:
    """Values of the pixels inside, ascending, at evenly spaced ranks: ``(B, C, _RANKS)``."""
    ascending = torch.where(inside, images, torch.inf).flatten(2).sort(2).values
    share = (torch.arange(_RANKS, device=images.device) + 0.5) / _RANKS
    rank = (share * inside.sum((1, 2, 3))[:, None]).long()
    return ascending.gather(2, rank[:, None].expand(-1, images.shape[1], -1))


def _line(x: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and offset ``(B, C)`` of the weighted line from x to y, each ``(B, C, n)``."""
    weight = weight / weight.sum(2, keepdim=True)
    mx, my = ((weight * values).sum(2) for values in (x, y))
    dx, dy = x - mx[..., None], y - my[..., None]
    variance, covariance = ((weight * moment).sum(2) for moment in (dx * dx, dx * dy))
    offset = (my * variance - mx * covariance) / (variance + _RIDGE * (variance + mx * mx))
    gain = (covariance + mx * (my - offset)) / (variance + mx * mx)
    return gain, offset
