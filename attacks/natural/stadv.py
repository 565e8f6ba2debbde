"""StAdv: a smooth flow that displaces pixels (Xiao et al., arXiv 1801.02612)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from robustkit.corruptions.resampling import gaussian
from robustkit.plugin import AttackInfo, Batch, ParametricAttack, UsageError


@dataclass(frozen=True, kw_only=True)
class StAdv(ParametricAttack):
    """Gradient ascent on the cross-entropy over the flow, with spatially smoothed steps.

    The paper penalises the flow's total variation and optimises with L-BFGS. Here the threat limits each displacement, and each
    step is a gradient after a Gaussian blur, which keeps neighbouring displacements similar.

    Parameters
    ----------
    smoothing
        Standard deviation of the blur, in pixels; 0 for none.

    Raises
    ------
    UsageError
        If a parameter is out of range.
    """

    smoothing: float = 1.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="stadv",
        threats=("flow",),
        knowledge="white-box",
        targeted=True,
        cost="restarts * (steps + 1) + 1 forwards, restarts * steps backwards",
        paper="Spatially Transformed Adversarial Examples, arXiv 1801.02612",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.smoothing <= 16:
            raise UsageError(f"smoothing={self.smoothing} must be a standard deviation in pixels, from 0 to 16")

    def direction(self, batch: Batch, grad: Tensor) -> Tensor:
        height, width = batch.x.shape[-2:]
        field = grad.reshape(len(grad), 2, height, width)
        if self.smoothing > 0:
            field = gaussian(field, self.smoothing)
        flat = field.flatten(1)
        return flat / flat.abs().amax(1, keepdim=True).clamp_min(1e-300)
