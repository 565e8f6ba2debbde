"""JPEG compression as an input transform (Dziugaite et al., arXiv 1608.00853; Guo et al., arXiv 1711.00117)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from robustkit.plugin import DefenseInfo, Preprocessor, UsageError


@dataclass(frozen=True, kw_only=True)
class JPEG(Preprocessor):
    """Compress and decompress each image with JPEG.

    In the backward pass, attacks replace it by the identity (BPDA).

    Parameters
    ----------
    quality
        JPEG quality, 1 (worst) to 100.
    """

    quality: int = 75

    info: ClassVar[DefenseInfo] = DefenseInfo(
        name="jpeg",
        kind="preprocessor",
        gradient="straight-through",
        paper="Countering Adversarial Images using Input Transformations, arXiv 1711.00117",
    )

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise UsageError(f"quality={self.quality} is not a valid JPEG quality: give an integer from 1 to 100")

    def apply(self, x: Tensor, bounds: tuple[float, float]) -> Tensor:
        """The images after the codec, which runs on the CPU; greyscale images stay greyscale.

        Raises
        ------
        UsageError
            If the images have neither one nor three channels.
        """
        if x.shape[1] not in (1, 3):
            raise UsageError(f"JPEG supports images with 1 or 3 channels, not {x.shape[1]}")
        low, high = bounds
        levels = ((x - low) / (high - low) * 255).round().clamp(0, 255).to("cpu", torch.uint8)
        if not len(x):
            return x
        decoded = torch.stack([self._through(image) for image in levels]).to(x.device, x.dtype)
        back: Tensor = low + decoded / 255 * (high - low)
        return back

    def _through(self, image: Tensor) -> Tensor:
        """One uint8 image ``(C, H, W)``, written to a file in memory and read back."""
        file = io.BytesIO()
        to_pil_image(image).save(file, format="JPEG", quality=self.quality)
        decoded: Tensor = pil_to_tensor(Image.open(file))
        return decoded
