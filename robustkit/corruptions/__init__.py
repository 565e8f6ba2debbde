"""The 19 common corruptions of ImageNet-C and CIFAR-C at 5 severities, on the device, with separate random numbers per sample.

Images with a shorter side of 64 pixels or more get the published strengths of ImageNet-C, smaller ones those of CIFAR-C.
Differences from the published sets: frost is procedural instead of photographs, nothing is rounded to 8 bits between steps or
saved as JPEG afterwards, and the random numbers differ. `jpeg_compression` uses Pillow on the CPU.

References
----------
Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustkit.corruptions import blur, digital, lighting, noise, weather
from robustkit.corruptions.draws import Draws
from robustkit.errors import UsageError, brief, did_you_mean
from robustkit.rng import SampleRandom

Corruption = Callable[[Tensor, int, Draws], Tensor]

#: Each maps images ``(B, C, H, W)`` in [0, 1], a severity from 1 to 5 and draws to images, which `corrupt` clips to [0, 1].
CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": noise.gaussian_noise,
    "shot_noise": noise.shot_noise,
    "impulse_noise": noise.impulse_noise,
    "speckle_noise": noise.speckle_noise,
    "defocus_blur": blur.defocus_blur,
    "glass_blur": blur.glass_blur,
    "motion_blur": blur.motion_blur,
    "zoom_blur": blur.zoom_blur,
    "gaussian_blur": blur.gaussian_blur,
    "snow": weather.snow,
    "frost": weather.frost,
    "fog": weather.fog,
    "spatter": weather.spatter,
    "brightness": lighting.brightness,
    "contrast": lighting.contrast,
    "saturate": lighting.saturate,
    "elastic_transform": digital.elastic_transform,
    "pixelate": digital.pixelate,
    "jpeg_compression": digital.jpeg_compression,
}

SEVERITIES = (1, 2, 3, 4, 5)


def check_kinds(kinds: tuple[str, ...]) -> None:
    """Raise `UsageError` if a corruption is unknown or given twice, or there is none."""
    if not kinds or len(set(kinds)) < len(kinds):
        raise UsageError(f"corruptions {brief('+'.join(kinds))} must be at least one, each given once")
    for kind in kinds:
        if kind not in CORRUPTIONS:
            raise UsageError(f"corruption {brief(kind)} is unknown: {did_you_mean(kind, CORRUPTIONS)}")


def corrupt(kind: str, x: Tensor, severity: int, random: SampleRandom, sample_ids: Tensor, number: Tensor | int = 0) -> Tensor:
    """The corrupted images, each with its own random numbers.

    Parameters
    ----------
    kind
        A key of `CORRUPTIONS`.
    x
        ``(B, C, H, W)`` in [0, 1].
    severity
        1 to 5.
    random, sample_ids
        These determine the draws; ids ``(B,)`` on the device of `x`.
    number
        Index of the realisation, one for all or ``(B,)``; other indices give other draws.

    Returns
    -------
    Images like `x` in [0, 1].

    Raises
    ------
    UsageError
        If the kind is unknown or the severity is not one of 1 to 5.
    """
    check_kinds((kind,))
    if severity not in SEVERITIES:
        raise UsageError(f"severity={severity} is not one of 1 to 5")
    draws = Draws(random=random, sample_ids=sample_ids, number=number, name=kind)
    with torch.no_grad():
        return CORRUPTIONS[kind](x, severity, draws).to(x.dtype).clamp(0, 1)


__all__ = ["CORRUPTIONS", "SEVERITIES", "Draws", "check_kinds", "corrupt"]
