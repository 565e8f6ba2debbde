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

#: Rounds of reweighting, which make the fit follow the bulk of the pixels.
_ROUNDS = 10

#: Penalty on the offset, which decides where a sign of one colour leaves it open; in shares of the pixels' weight.
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
        """The parameters with which a rendered sign looks most like its photo, by iteratively reweighted least squares.

        Pixels that no gain and offset explain (a shadow, dirt, letters a pixel off) count less with every round.

        Parameters
        ----------
        rendered, photo
            The sign in neutral light and in each photo, aligned, sRGB ``(B, 3, H, W)``.
        mask
            The sign's own pixels, in [0, 1], ``(B, 1, H, W)``.

        Raises
        ------
        UsageError
            If a mask is empty, or the rendered sign is black under it.
        """
        x, y = srgb_to_linear(rendered), srgb_to_linear(photo)
        _check(x, mask)
        share = (mask / mask.sum((2, 3), keepdim=True)).expand_as(x)
        weight = share
        for _ in range(_ROUNDS):
            gain, offset = _line(x, y, weight)
            miss = (y - per_image(gain) * x - per_image(offset)).abs()
            usual = (share * miss).sum((2, 3), keepdim=True).clamp_min(1e-3)
            weight = share / (1 + (miss / usual) ** 2)
        return {"gain": gain, "offset": offset}


def _check(x: Tensor, mask: Tensor) -> None:
    empty = mask.sum((1, 2, 3)) <= 0
    if bool(empty.any()):
        raise UsageError(f"the mask of photo {int(empty.nonzero()[0])} is empty: give one that covers the sign's own pixels")
    black = (x * mask).sum((2, 3)).amin(1) <= 0
    if bool(black.any()):
        raise UsageError(
            f"a channel of rendered sign {int(black.nonzero()[0])} is 0 under the mask, so that no gain can be fitted: "
            "give a mask with other colours of the sign, such as white"
        )


def _line(x: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and offset ``(B, C)`` of the weighted line from x to y, through the origin if its slope were negative."""
    weight = weight / weight.sum((2, 3), keepdim=True)
    mx, my = ((weight * values).sum((2, 3)) for values in (x, y))
    dx, dy = x - per_image(mx), y - per_image(my)
    variance, covariance = ((weight * moment).sum((2, 3)) for moment in (dx * dx, dx * dy))
    offset = (my * variance - mx * covariance) / (variance + _RIDGE * (variance + mx * mx))
    gain = (covariance + mx * (my - offset)) / (variance + mx * mx)
    rising = gain > 0
    return torch.where(rising, gain, my / mx), torch.where(rising, offset, 0)
