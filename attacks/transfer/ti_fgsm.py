"""Translation-invariant attack: gradients smoothed over neighbouring pixels (Dong et al., arXiv 1904.02884)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.attacks.transfer.mi_fgsm import COST, MIFGSM, MomentumState
from robustkit.plugin import AttackInfo, Batch, Response, UsageError


@dataclass(frozen=True, kw_only=True)
class TIFGSM(MIFGSM):
    """`MIFGSM` with Gaussian-blurred gradients, which approximate the mean gradient over translated copies.

    Parameters
    ----------
    steps, step_size, decay, surrogate
        As in `MIFGSM`.
    kernel_size
        Width of the Gaussian kernel in pixels, odd; it spans three standard deviations in each direction. The paper uses 15
        for images of 299 pixels; None means 15, or a tenth of the shorter side for images below 150 pixels.
    """

    kernel_size: int | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="ti-fgsm",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper="Evading Defenses to Transferable Adversarial Examples by Translation-Invariant Attacks, arXiv 1904.02884",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel_size is not None and not (self.kernel_size > 0 and self.kernel_size % 2):
            raise UsageError(f"kernel_size={self.kernel_size} must be an odd number of pixels")

    def step(self, batch: Batch, state: MomentumState, response: Response) -> MomentumState:
        shorter = min(response.grad.shape[-2:])
        usual = min(15, max(3, 2 * (shorter // 20) + 1))
        return super().step(batch, state, replace(response, grad=blur(response.grad, self.kernel_size or usual)))


def blur(grad: Tensor, size: int) -> Tensor:
    """Gaussian smoothing with zero padding, ``(B, C, H, W)``."""
    reach = size // 2
    weights = [math.exp(-0.5 * (3 * i / max(reach, 1)) ** 2) for i in range(-reach, reach + 1)]
    height, width = grad.shape[-2:]
    # Sums of shifted images instead of a convolution, whose rounding may depend on the batch.
    rows = functional.pad(grad, (0, 0, reach, reach))
    grad = torch.stack([w / sum(weights) * rows[:, :, i : i + height] for i, w in enumerate(weights)]).sum(0)
    columns = functional.pad(grad, (reach, reach))
    return torch.stack([w / sum(weights) * columns[..., i : i + width] for i, w in enumerate(weights)]).sum(0)
