"""The size of a sticker's details, and whether a printer and a camera resolve them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt, find_objects, label
from torch import Tensor

from robustkit.physical.sign import Sign


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
