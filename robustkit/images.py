"""Checks of the shape, type and range of images and labels."""

from __future__ import annotations

from torch import Tensor

from robustkit.errors import UsageError
from robustkit.projections import Bounds


def check_images(x: Tensor, bounds: Bounds, y: Tensor | None = None, num_classes: int | None = None) -> None:
    """Raise `UsageError` if images or labels are invalid: wrong rank or type, outside bounds, unknown classes.

    Parameters
    ----------
    x
        ``(B, C, H, W)``, floating point.
    bounds
        Minimum and maximum pixel value; values may exceed them by a millionth of the range, due to rounding.
    y
        ``(B,)`` integers.
    num_classes
        The number of classes; None if not yet known.
    """
    if x.ndim != 4:
        raise UsageError(f"images have shape {tuple(x.shape)}; expected (batch, channels, height, width)")
    if not x.is_floating_point():
        raise UsageError(f"images are {x.dtype}; expected floating point in {list(bounds)} (divide bytes by 255)")
    if len(x) == 0:
        return
    low, high = float(x.min()), float(x.max())
    slack = 1e-6 * (bounds[1] - bounds[0])
    if not (low >= bounds[0] - slack and high <= bounds[1] + slack):
        if low != low or high != high:
            cause = "they contain NaN"
        elif high > 2 and low >= 0 and bounds[1] <= 1:
            cause = "they look like 0-255 values: divide by 255"
        elif low < bounds[0] - 0.01 * (bounds[1] - bounds[0]) and low < 0:
            cause = "they look already normalised: give raw images, and mean= and std= to the model"
        else:
            cause = "clip them, or give the model their bounds="
        raise UsageError(f"images span [{low:.4g}, {high:.4g}], outside the bounds {list(bounds)}: {cause}")
    if y is not None:
        if y.shape != (len(x),) or y.is_floating_point():
            raise UsageError(f"labels have shape {tuple(y.shape)} and type {y.dtype}; expected {len(x)} integers")
        if num_classes is not None and not (int(y.min()) >= 0 and int(y.max()) < num_classes):
            raise UsageError(
                f"labels span {int(y.min())} to {int(y.max())}, but the model has {num_classes} classes (0 to {num_classes - 1})"
            )
