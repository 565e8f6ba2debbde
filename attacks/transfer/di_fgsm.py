"""Diverse inputs: gradients through randomly resized and padded images (Xie et al., arXiv 1803.06978)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from robustkit.attacks.transfer.mi_fgsm import COST, MIFGSM, MomentumState
from robustkit.plugin import AttackInfo, Batch, Response, UsageError


@dataclass(kw_only=True)
class DiverseState(MomentumState):
    """`step`, ``(B,)``: index of the next query, for its random numbers."""

    step: Tensor


@dataclass(frozen=True, kw_only=True)
class DIFGSM(MIFGSM):
    """`MIFGSM` that randomly queries a smaller copy of the image at a random position on an empty image.

    The paper enlarges images; shrinking them gives the same change of scale and position to models with a fixed input size.

    Parameters
    ----------
    steps, step_size, decay, surrogate
        As in `MIFGSM`.
    prob
        Probability of transforming the image, 0 to 1.
    resize_rate
        Minimum size of the copy, as a fraction of the image's sides, in (0, 1].
    """

    prob: float = 0.5
    resize_rate: float = 0.9

    info: ClassVar[AttackInfo] = AttackInfo(
        name="di-fgsm",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost=COST,
        paper="Improving Transferability of Adversarial Examples with Input Diversity, arXiv 1803.06978",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.prob <= 1:
            raise UsageError(f"prob={self.prob} must be between 0 and 1")
        if not 0 < self.resize_rate <= 1:
            raise UsageError(f"resize_rate={self.resize_rate} must be above 0 and at most 1")

    def start(self, batch: Batch) -> DiverseState:
        return DiverseState(x_adv=batch.x, velocity=torch.zeros_like(batch.x), step=torch.zeros_like(batch.attempt))

    def step(self, batch: Batch, state: MomentumState, response: Response) -> MomentumState:
        moved = super().step(batch, state, response)
        assert isinstance(moved, DiverseState)
        return replace(moved, step=moved.step + 1)

    def view(self, batch: Batch, state: MomentumState, x_adv: Tensor) -> Tensor:
        assert isinstance(state, DiverseState)
        draws = batch.random.uniform(
            batch.sample_ids, (4,), attempt=batch.attempt, step=state.step, stream="diversity", dtype=x_adv.dtype
        )
        chosen, scale, top, left = draws.T
        small = resize_and_pad(x_adv, self.resize_rate, scale, top, left, batch.bounds[0])
        return torch.where((chosen < self.prob)[:, None, None, None], small, x_adv)


def resize_and_pad(x: Tensor, rate: float, scale: Tensor, top: Tensor, left: Tensor, fill: float) -> Tensor:
    """Each image, bilinearly shrunk to a whole number of pixels, on an empty image of the same shape ``(B, C, H, W)``.

    `scale`, ``(B,)`` in [0, 1), selects a size between `rate` and 1; `top` and `left`, likewise, select the position.
    """

    def axis(length: int, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Position of each output pixel on the copy, from -1 to 1, and whether it lies on the copy: ``(B, length)`` each."""
        least = int(rate * length)
        size = (least + scale * (length - least)).floor().clamp_min(1)
        first = (offset * (length - size + 1)).floor()
        place = torch.arange(length, dtype=x.dtype, device=x.device) - first[:, None] + 0.5
        return 2 * place / size[:, None] - 1, (place > 0) & (place < size[:, None])

    height, width = x.shape[-2:]
    (rows, row_in), (columns, column_in) = axis(height, top), axis(width, left)
    grid = torch.stack([columns[:, None, :].expand(-1, height, -1), rows[:, :, None].expand(-1, -1, width)], dim=-1)
    small = functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return torch.where((row_in[:, :, None] & column_in[:, None, :])[:, None], small, fill)
