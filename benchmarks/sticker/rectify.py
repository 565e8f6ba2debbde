"""Cut a sign out of a photo: as a detector would, or as it would look from straight ahead."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.colour import linear_to_srgb
from robustkit.errors import UsageError, brief
from robustkit.physical.pose import project
from robustkit.physical.sign import Sign
from robustkit.physical.warp import warp


def cut_out(
    photo: Tensor, homography: Tensor, sign: Sign, size_px: tuple[int, int], margin: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The square around a sign in a photo, as a detector hands it to a classifier.

    Parameters
    ----------
    photo
        sRGB in [0, 1], ``(3, H, W)``. Beyond its border its outermost pixels are repeated.
    homography
        From cm on the sign to pixels, ``(3, 3)``.
    sign
        The sign.
    size_px
        Height and width of the result.
    margin
        What is added on each side, as a share of the sign's larger side in the photo.

    Returns
    -------
    The picture, ``(3, h, w)``, whose pixels are means over the area that they cover, in linear light; and the homography from cm on
    the sign to its pixels.
    """
    _check(margin)
    corners = project(homography[None], torch.tensor(sign.outline_cm, dtype=torch.float64))[0]
    low, high = corners.amin(0), corners.amax(0)
    half = (high - low).max().expand(2) / 2 * (1 + 2 * margin)
    onto = _onto((low + high) / 2, half, size_px)
    return resampled(photo, onto, size_px), onto @ homography.double()


def rectified(
    photo: Tensor, homography: Tensor, sign: Sign, size_px: tuple[int, int], margin: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The square around a sign as it would look from straight ahead. Parameters and result are as of `cut_out`."""
    _check(margin)
    half = torch.full((2,), max(sign.width_cm, sign.height_cm) / 2 * (1 + 2 * margin), dtype=torch.float64)
    onto = _onto(torch.zeros(2, dtype=torch.float64), half, size_px)
    return resampled(photo, onto @ torch.linalg.inv(homography.double()), size_px), onto


def resampled(photo: Tensor, homography: Tensor, size_px: tuple[int, int]) -> Tensor:
    """What a homography from a photo's pixels to those of the result shows of it, ``(3, h, w)``; see `cut_out`."""
    height, width = size_px
    frame = torch.tensor([[0, 0], [width, 0], [width, height], [0, height]], dtype=torch.float64)
    seen = project(torch.linalg.inv(homography)[None], frame)[0]
    low, high = (seen.amin(0).floor() - 2).long(), (seen.amax(0).ceil() + 2).long()
    # Only the part that is needed, for what is far from the sign may lie behind the camera.
    columns, rows = (torch.arange(int(low[axis]), int(high[axis])).clamp(0, photo.shape[2 - axis] - 1) for axis in (0, 1))
    part = photo[:, rows][:, :, columns]
    centred = torch.eye(3, dtype=torch.float64)
    centred[:2, 2] = (low + high).double() / 2
    size = (float(part.shape[2]), float(part.shape[1]))
    colour, alpha = warp(part, torch.ones_like(part[:1]), (homography @ centred)[None], size_cm=size, size_px=size_px)
    return linear_to_srgb(colour / alpha)[0].clamp(0, 1)


def _check(margin: float) -> None:
    if not 0 <= margin <= 10:
        raise UsageError(f"margin={brief(margin)} must be a share of the sign's size from 0 to 10")


def _onto(centre: Tensor, half: Tensor, size_px: tuple[int, int]) -> Tensor:
    """The map from a box in a plane, given by its centre and half its width and height, onto a picture."""
    scale = torch.tensor([size_px[1], size_px[0]], dtype=torch.float64) / (2 * half)
    matrix = torch.diag(torch.cat([scale, scale.new_ones(1)]))
    matrix[:2, 2] = scale * (half - centre)
    return matrix
