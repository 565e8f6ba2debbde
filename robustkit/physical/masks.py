"""Where a sticker is: its opacity over a sign, from rectangles, polygons or a picture.

Coordinates are in cm from the centre of the sign's bounding box, x to the right and y down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.physical import polygon
from robustkit.physical.polygon import Points
from robustkit.physical.sign import Sign, check_outline, read_toml

#: Share of a shape that may lie outside the outline; it is trimmed.
OUTSIDE = 0.01


def load_mask(path: str | Path, sign: Sign, shape: tuple[int, int], *, threshold: int | None = None) -> Tensor:
    """The opacity ``(1, h, w)`` that a file gives: a picture, or TOML with `rectangles_cm` and `polygons_cm`, either or both.

    Raises
    ------
    UsageError
        As `from_rectangles`, `from_polygons` and `from_png` do, or if the TOML cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() != ".toml":
        return from_png(sign, path, shape, threshold=threshold)
    makers: dict[str, Callable[[Sign, Any, tuple[int, int]], Tensor]]
    makers = {"rectangles_cm": from_rectangles, "polygons_cm": from_polygons}
    settings = read_toml(path, "mask")
    if threshold is not None:
        raise UsageError(f"threshold={brief(threshold)} is for a mask that is a picture, not for {path}: leave it out")
    try:
        for key, value in settings.items():
            if key not in makers:
                raise UsageError(f"setting {brief(key)} is unknown: {did_you_mean(key, makers)}")
            if not isinstance(value, list):
                raise UsageError(f"{key} {brief(value)} must be a list")
        alphas = [make(sign, settings[key], shape) for key, make in makers.items() if key in settings]
        if not alphas:
            raise UsageError("it has neither rectangles_cm nor polygons_cm: give one")
    except UsageError as error:
        raise UsageError(f"mask {path}: {error}") from None
    return torch.stack(alphas).amax(0)


def from_rectangles(sign: Sign, rectangles_cm: Sequence[Sequence[float]], shape: tuple[int, int]) -> Tensor:
    """The opacity ``(1, h, w)`` of rectangles (left, top, width, height) on a sign. Raises `UsageError` as `from_polygons` does."""
    for rectangle in rectangles_cm:
        if not _is_rectangle(rectangle):
            raise UsageError(f"rectangle {brief(rectangle)} must be [left, top, width, height] in cm, with sizes above 0")
    return from_polygons(
        sign, [((x, y), (x + w, y), (x + w, y + h), (x, y + h)) for x, y, w, h in rectangles_cm], shape, kind="rectangle"
    )


def from_polygons(sign: Sign, polygons_cm: Sequence[Points], shape: tuple[int, int], *, kind: str = "polygon") -> Tensor:
    """The opacity of polygons on a sign, with soft edges where texels are covered in part.

    Parameters
    ----------
    sign
        The sign, whose bounding box the raster covers.
    polygons_cm
        Corners (x, y) of each.
    shape
        Rows and columns of the raster.
    kind
        What an error calls them.

    Returns
    -------
    Opacity in [0, 1], float32 ``(1, h, w)``.

    Raises
    ------
    UsageError
        If there is none, one crosses itself, or one lies partly outside the sign.
    """
    if not polygons_cm:
        raise UsageError(f"a mask needs at least one {kind}: give its corners in cm")
    outline = sign.coverage(shape)
    texel_cm2 = sign.width_cm * sign.height_cm / outline.numel()
    alpha = torch.zeros_like(outline)
    for number, points in enumerate(polygons_cm, 1):
        corners = check_outline(points, f"{kind} {number} of the mask")
        whole = polygon.area(corners)
        covered = torch.minimum(polygon.coverage(corners, (sign.width_cm, sign.height_cm), shape), outline)
        outside = whole - float(covered.double().sum()) * texel_cm2
        if outside > OUTSIDE * whole:
            raise UsageError(_outside(f"{kind} {number} of the mask", outside, whole, sign))
        alpha = torch.maximum(alpha, covered)
    return alpha


def from_png(sign: Sign, path: str | Path, shape: tuple[int, int] | None = None, *, threshold: int | None = None) -> Tensor:
    """The opacity that a black-and-white picture of the sign's bounding box gives: white where the sticker is.

    Parameters
    ----------
    sign
        The sign.
    path
        A picture, stretched over the sign's bounding box.
    shape
        Rows and columns of the raster; those of the picture if None.
    threshold
        Greys (means of the channels) from this value on are white; without it, only 0 and 255 are allowed.

    Returns
    -------
    Opacity in [0, 1], float32 ``(1, h, w)``, trimmed to the outline.

    Raises
    ------
    UsageError
        If the picture cannot be read, has other pixels than black and white, is black, or is white outside the sign.
    """
    colours = _colours(Path(path))
    greys = colours.mean(-1)
    if threshold is None:
        stray = (greys != 0) & (greys != 255)
        if stray.any():
            values = np.setdiff1d(colours[stray], [0, 255])
            shown = (
                "values " + ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "") if len(values) else "colours"
            )
            raise UsageError(
                f"mask {path} has {int(stray.sum())} pixels that are neither black nor white ({shown}): give a threshold, such "
                "as 128, or draw it with 0 and 255 only"
            )
        threshold = 255
    elif not 1 <= threshold <= 255:
        raise UsageError(f"threshold={brief(threshold)} of mask {path} must be a grey from 1 to 255")
    white = torch.from_numpy(greys >= threshold)[None]
    if not bool(white.any()):
        raise UsageError(f"mask {path} has no pixel of at least {threshold}, so no place for a sticker: draw it in white")
    outline = sign.coverage((white.shape[1], white.shape[2]))
    if bool((white & (outline == 0)).any()):
        texel_cm2 = sign.width_cm * sign.height_cm / white.numel()
        outside = float((white * (1 - outline)).double().sum()) * texel_cm2
        raise UsageError(_outside(f"mask {path}", outside, int(white.sum()) * texel_cm2, sign))
    alpha = white.float()
    if shape is not None and shape != tuple(white.shape[1:]):
        alpha = _resized(alpha, shape)
        outline = sign.coverage(shape)
    return torch.minimum(alpha, outline)


def area_share(alpha: Tensor, sign: Sign) -> float:
    """The share of the sign's area that a mask covers."""
    return float(alpha.double().mean()) * sign.width_cm * sign.height_cm / sign.area_cm2


def _is_rectangle(value: Any) -> bool:
    numbers = isinstance(value, list | tuple) and len(value) == 4 and all(isinstance(number, int | float) for number in value)
    return numbers and all(map(math.isfinite, value)) and value[2] > 0 and value[3] > 0


def _colours(path: Path) -> npt.NDArray[np.uint8]:
    """The picture's pixels ``(h, w, 3)``. Raises `UsageError` if it cannot be read or is transparent."""
    from robustkit.data.decode import decode  # threats import masks, and judging imports threats without the decoders

    try:
        with path.open("rb") as file:
            image = decode(file)
    except OSError as error:
        raise UsageError(f"mask {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # decoders raise many kinds on damaged files
        raise UsageError(f"mask {path} cannot be read: {error}") from None
    if not isinstance(image, Image.Image):
        raise UsageError(f"mask {path} has floating-point pixels: save it as a PNG")
    channels = np.asarray(image.convert("RGBA"))
    if (channels[..., 3] < 255).any():
        raise UsageError(f"mask {path} is transparent in places: save it without transparency, white where the sticker is")
    colours: npt.NDArray[np.uint8] = channels[..., :3]
    return colours


def _resized(alpha: Tensor, shape: tuple[int, int]) -> Tensor:
    """The mask on another raster, each texel with the share of it that was white."""
    sized: Tensor = F.interpolate(alpha[None], size=shape, mode="area")[0]
    return sized


def _outside(what: str, outside_cm2: float, whole_cm2: float, sign: Sign) -> str:
    return (
        f"{what} lies outside the sign {sign.name!r} by {outside_cm2:.3g} cm² of its {whole_cm2:.3g} cm² "
        f"({outside_cm2 / whole_cm2:.1%}): move it or make it smaller; the sign is {sign.width_cm:g} x {sign.height_cm:g} cm around (0, 0)"
    )
