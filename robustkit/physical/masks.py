"""Where a sticker is: its opacity over a sign, from rectangles, polygons or a picture, and the size of its details.

Coordinates are in cm from the centre of the sign's bounding box, x to the right and y down.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.ndimage import distance_transform_edt, find_objects, label
from torch import Tensor

from robustkit.data.decode import decode
from robustkit.errors import UsageError, brief
from robustkit.physical import polygon
from robustkit.physical.polygon import Points
from robustkit.physical.sign import Sign

#: Share of a shape that may lie outside the outline; it is trimmed.
OUTSIDE = 0.01


def from_rectangles(sign: Sign, rectangles_cm: Sequence[Sequence[float]], shape: tuple[int, int]) -> Tensor:
    """The opacity ``(1, h, w)`` of rectangles (left, top, width, height) on a sign. Raises `UsageError` as `from_polygons` does."""
    for rectangle in rectangles_cm:
        if len(rectangle) != 4 or not all(map(math.isfinite, rectangle)) or not (rectangle[2] > 0 and rectangle[3] > 0):
            raise UsageError(f"rectangle {brief(list(rectangle))} must be [left, top, width, height] in cm, with sizes above 0")
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
        checked = Sign(f"{kind} {number}", points)  # the same checks
        whole = checked.area_cm2
        covered = torch.minimum(polygon.coverage(tuple(points), (sign.width_cm, sign.height_cm), shape), outline)
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
        A picture of 8-bit greys, stretched over the sign's bounding box.
    shape
        Rows and columns of the raster; those of the picture if None.
    threshold
        Greys from this value on are white; without it, only 0 and 255 are allowed.

    Returns
    -------
    Opacity in [0, 1], float32 ``(1, h, w)``, trimmed to the outline.

    Raises
    ------
    UsageError
        If the picture cannot be read, has other values than 0 and 255, is black, or is white outside the sign.
    """
    greys = _greys(Path(path))
    if threshold is None:
        stray = (greys != 0) & (greys != 255)
        if stray.any():
            values = np.unique(greys[stray])
            shown = ", ".join(str(value) for value in values[:6]) + (", …" if len(values) > 6 else "")
            raise UsageError(
                f"mask {path} has {int(stray.sum())} pixels that are neither 0 nor 255 (values {shown}): give a threshold, such as "
                "128, or draw it in black and white"
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


def smallest_feature_mm(alpha: Tensor, sign: Sign) -> float:
    """The width of the narrowest part of a mask, in mm, to about a texel.

    It is the diameter of the smallest disk that is too wide for some part: one that reaches further from the places where the
    disk fits than its radius. (A disk does not fit into the corners of any polygon; those reach less far, if they are 60 degrees
    or more.)
    """
    # Two cells a texel, so that a line of n texels is n wide, with a border that is outside.
    cells = np.pad(np.repeat(np.repeat(alpha[0].cpu().numpy() >= 0.5, 2, 0), 2, 1), 1)
    pitch = 5 * sign.height_cm / alpha.shape[1], 5 * sign.width_cm / alpha.shape[2]
    parts, _ = label(cells)
    boxes = [(slice(y.start - 1, y.stop + 1), slice(x.start - 1, x.stop + 1)) for y, x in find_objects(parts)]
    return min((_narrowest(parts[box] == number, pitch) for number, box in enumerate(boxes, 1)), default=0.0)


def too_fine(what: str, size_mm: float, *, dpi: float | None = None, px_mm: float | None = None) -> list[str]:
    """Warnings if a detail is finer than a printer's dot, or than a pixel on the sign at the farthest distance.

    Parameters
    ----------
    what
        The detail, such as ``the mask's narrowest part``.
    size_mm
        Its size.
    dpi
        The printer's resolution.
    px_mm
        The size on the sign of a camera's pixel (`Camera.px_mm`) at the farthest distance.
    """
    warnings = []
    if dpi is not None and size_mm < 25.4 / dpi:
        warnings.append(
            f"{what} is {size_mm:.3g} mm, finer than a dot of a {dpi:g} dpi printer, {25.4 / dpi:.3g} mm: it will not print"
        )
    if px_mm is not None and size_mm < px_mm:
        warnings.append(
            f"{what} is {size_mm:.3g} mm, finer than a pixel at the farthest distance, {px_mm:.3g} mm: it will blur away"
        )
    return warnings


def _narrowest(cells: npt.NDArray[np.bool_], pitch: tuple[float, float]) -> float:
    """The width of the narrowest part of one connected region, by bisection over the disks that fit somewhere."""
    depth = distance_transform_edt(cells, sampling=pitch)
    radii = np.unique(depth[cells])
    narrow, wide = 0, len(radii) - 1  # a disk wider than the last fits nowhere
    while narrow < wide:
        middle = (narrow + wide) // 2
        to_centre = distance_transform_edt(depth <= radii[middle], sampling=pitch)
        if (to_centre[cells] > 2 * radii[middle] + max(pitch)).any():
            wide = middle
        else:
            narrow = middle + 1
    return float(2 * radii[wide])


def _greys(path: Path) -> npt.NDArray[np.uint8]:
    """The picture's greys. Raises `UsageError` if it cannot be read, or is not of opaque greys."""
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
    greys: npt.NDArray[np.uint8] = channels[..., 0]
    coloured = int((channels[..., :3] != greys[..., None]).any(-1).sum())
    if coloured:
        raise UsageError(f"mask {path} has {coloured} coloured pixels: save it in black and white")
    return greys


def _resized(alpha: Tensor, shape: tuple[int, int]) -> Tensor:
    """The mask on another raster, each texel with the share of it that was white."""
    sized: Tensor = F.interpolate(alpha[None], size=shape, mode="area")[0]
    return sized


def _outside(what: str, outside_cm2: float, whole_cm2: float, sign: Sign) -> str:
    return (
        f"{what} lies outside the sign {sign.name!r} by {outside_cm2:.3g} cm² of its {whole_cm2:.3g} cm² "
        f"({outside_cm2 / whole_cm2:.1%}): move it or make it smaller; the sign is {sign.width_cm:g} x {sign.height_cm:g} cm around (0, 0)"
    )
