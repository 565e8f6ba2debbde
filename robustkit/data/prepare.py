"""A decoded image becomes a model's input: its channels, its size, values in [0, 1]."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from robustkit.model import InputSpec

_MODES = {1: "L", 3: "RGB"}


def prepare(image: Image.Image | Tensor, spec: InputSpec) -> Tensor:
    """Resize the shorter side, cut out the centre, and scale to [0, 1], as `spec` says.

    Parameters
    ----------
    image
        A PIL image, or a tensor ``(C, H, W)``: bytes, or floating point that is already in [0, 1].
    spec
        The channels and the size to reach. Without a size the image keeps its own.

    Returns
    -------
    float32 ``(C, H, W)``; a floating-point image keeps its values (a resize apart).
    """
    image = _with_channels(image, spec.channels)
    if spec.size is not None:
        image = _resized(image, spec.size, spec)
    tensor = F.pil_to_tensor(image) if isinstance(image, Image.Image) else image
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


def _with_channels(image: Image.Image | Tensor, channels: int) -> Image.Image | Tensor:
    if isinstance(image, Image.Image):
        if image.mode.startswith("I;16"):  # Pillow would clip 16 bits to 255, not scale them.
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        return image if image.mode == _MODES[channels] else image.convert(_MODES[channels])
    if len(image) == channels:
        return image
    if len(image) == 1:
        return image.expand(channels, -1, -1)
    return F.rgb_to_grayscale(image) if channels == 1 else image


def _resized(image: Image.Image | Tensor, size: tuple[int, int], spec: InputSpec) -> Image.Image | Tensor:
    target: list[int] = list(size) if spec.resize is None else [spec.resize]
    mode = InterpolationMode(spec.interpolation)
    resized: Image.Image | Tensor = F.resize(image, target, interpolation=mode, antialias=True)
    if isinstance(image, Tensor) and isinstance(resized, Tensor) and image.is_floating_point():
        resized = resized.clamp(image.min(), image.max())  # bicubic overshoots
    if spec.resize is not None:
        resized = F.center_crop(resized, list(size))
    return resized
