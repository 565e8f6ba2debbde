"""Preparation of a decoded image for a model: channels, size, and values within bounds."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from robustkit.data.decode import plain
from robustkit.errors import UsageError
from robustkit.spec import InputSpec

_MODES = {1: "L", 3: "RGB"}
_MOST_PIXELS = 2**26


def prepare(image: Image.Image | Tensor, spec: InputSpec) -> Tensor:
    """The image with shorter side resized, centre-cropped, and scaled to the bounds, according to `spec`.

    Parameters
    ----------
    image
        A PIL image, or a tensor ``(C, H, W)``, uint8 or floating point in [0, 1].
    spec
        The required channels and size. Without a size, the image keeps its own.

    Returns
    -------
    float32 ``(C, H, W)``: black is the lower bound and white the upper one.

    Raises
    ------
    UsageError
        If the number of channels of `spec` is neither 1, 3 nor that of the image.
    ValueError
        If the image has no pixels or values of an unknown range, or would become too large.
    """
    if isinstance(image, Tensor) and not image.numel():
        raise ValueError(f"it has no pixels: {tuple(image.shape)}")
    image = _with_channels(plain(image) if isinstance(image, Image.Image) else image, spec.channels)
    if spec.size is not None:
        image = _resized(image, spec.size, spec)
    tensor = F.pil_to_tensor(image) if isinstance(image, Image.Image) else image
    values = tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()
    low, high = spec.bounds
    return values if (low, high) == (0, 1) else low + (high - low) * values


def _with_channels(image: Image.Image | Tensor, channels: int) -> Image.Image | Tensor:
    if channels not in _MODES and not (isinstance(image, Tensor) and len(image) == channels):
        raise UsageError(
            f"the model takes images with {channels} channels, but image files have 1 or 3: give images as tensors, or fix the "
            "model's channels"
        )
    if isinstance(image, Image.Image):
        return image if image.mode == _MODES[channels] else image.convert(_MODES[channels])
    if len(image) == channels:
        return image
    if len(image) == 1:
        return image.expand(channels, -1, -1)
    return F.rgb_to_grayscale(image) if channels == 1 else image


def _resized(image: Image.Image | Tensor, size: tuple[int, int], spec: InputSpec) -> Image.Image | Tensor:
    target: list[int] = list(size) if spec.resize is None else [spec.resize]
    height, width = F.get_size(image)
    if spec.resize is not None and spec.resize**2 * max(height, width) / min(height, width) > _MOST_PIXELS:
        raise ValueError(f"it is {width}x{height}: with a shorter side of {spec.resize} pixels it would be too large")
    mode = InterpolationMode(spec.interpolation)
    resized: Image.Image | Tensor = F.resize(image, target, interpolation=mode, antialias=True)
    if isinstance(image, Tensor) and isinstance(resized, Tensor) and image.is_floating_point():
        resized = resized.clamp(image.min(), image.max())  # bicubic overshoots
    if spec.resize is not None:
        resized = F.center_crop(resized, list(size))
    return resized
