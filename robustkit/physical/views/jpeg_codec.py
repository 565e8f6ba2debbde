"""JPEG compression by the real codec, for evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from robustkit.corruptions.draws import Draws
from robustkit.crossing import sent
from robustkit.physical.views.base import Parameters, View
from robustkit.physical.views.jpeg import check_quality, draw_quality
from robustkit.projections import clip


@dataclass(frozen=True, kw_only=True)
class JPEGCodec(View):
    """Compression and decompression by libjpeg in Pillow, on the CPU; the backward pass replaces it by the identity.

    It has the name of its differentiable surrogate, `JPEG`, so that both draw the same qualities.

    Parameters
    ----------
    quality
        Range of the quality, whole numbers from 1 to 100.
    """

    quality: tuple[int, int] = (50, 95)

    name: ClassVar[str] = "jpeg"
    linear: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_quality(self.quality)

    def sample(self, draws: Draws) -> Parameters:
        return {"quality": draw_quality(self.quality, draws)}

    def act(self, images: Tensor, parameters: Parameters) -> Tensor:
        clipped = clip(images, (0, 1))
        levels = (clipped.detach() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        decoded = np.stack([_through(*pair) for pair in zip(levels, parameters["quality"].tolist(), strict=True)])
        result = sent(torch.from_numpy(decoded), images.device).permute(0, 3, 1, 2).to(images.dtype) / 255
        return clipped + (result - clipped).detach()


def _through(picture: np.ndarray, quality: int) -> np.ndarray:
    """One picture ``(H, W, 3)`` of 8 bits, written and read back."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
