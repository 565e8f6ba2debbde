"""Preprocessing of images in a model's bounds for its network."""

from __future__ import annotations

from torch import Tensor, nn

from robustkit.crossing import constant
from robustkit.projections import clip
from robustkit.spec import InputSpec


def preprocess(x: Tensor, spec: InputSpec, mean: tuple[float, ...] | None, std: tuple[float, ...] | None) -> Tensor:
    """The images ``(B, C, H, W)`` in `spec.bounds`, resized to `spec.size` and normalised by mean and std of each channel.

    Differentiable; the result shares no memory with `x`.
    """
    size = spec.size
    if size is not None and x.shape[-2:] != size:
        mode = spec.interpolation
        smooth = mode in ("bilinear", "bicubic")
        x = nn.functional.interpolate(x, size=size, mode=mode, antialias=smooth, align_corners=False if smooth else None)
        x = clip(x, spec.bounds)  # bicubic overshoots
    if mean is None or std is None:
        return x.clone()
    shape = (1, -1, 1, 1)
    return (x - constant(mean, x).reshape(shape)) / constant(std, x).reshape(shape)
