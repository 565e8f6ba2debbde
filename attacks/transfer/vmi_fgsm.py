"""Variance tuning: gradients corrected by their variation around the previous point (Wang and He, arXiv 2103.15571)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.transfer.mi_fgsm import MIFGSM, MomentumState
from robustkit.plugin import AttackInfo, Batch, NormThreat, Response, Threat, UsageError, per_sample
from robustkit.threats import norm_of


@dataclass(kw_only=True)
class VarianceState(MomentumState):
    """State of a round of queries around a point, ``(B, C, H, W)`` each.

    Parameters
    ----------
    offset
        Offset from `x_adv`, which is already one step further, to the neighbour to query; 0 to query `x_adv` itself.
    x_from, grad_from
        The point surrounded by the neighbours, and its gradient.
    total
        The sum of the neighbours' gradients so far.
    variance
        Mean gradient of the neighbours minus the gradient of the point, from the previous round.
    """

    offset: Tensor
    x_from: Tensor
    grad_from: Tensor
    total: Tensor
    variance: Tensor


@dataclass(frozen=True, kw_only=True)
class VMIFGSM(MIFGSM):
    """`MIFGSM` with variance tuning; a point and its neighbours are queried one after another.

    Parameters
    ----------
    steps, step_size, decay, surrogate
        As in `MIFGSM`.
    neighbours
        Number of random neighbours per step.
    beta
        Distance of the neighbours, as a multiple of eps: uniform in the cube for linf, on the sphere for l2.
    """

    neighbours: int = 20
    beta: float = 1.5

    info: ClassVar[AttackInfo] = AttackInfo(
        name="vmi-fgsm",
        threats=("linf", "l2"),
        knowledge="white-box",
        targeted=True,
        cost=(
            "(steps - 1) * (neighbours + 1) + 3 forwards, (steps - 1) * (neighbours + 1) + 1 backwards; "
            "with surrogates 2 forwards"
        ),
        paper="Enhancing the Transferability of Adversarial Attacks through Variance Tuning, arXiv 2103.15571",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbours < 1:
            raise UsageError(f"neighbours={self.neighbours} must be at least 1")
        if not self.beta > 0:
            raise UsageError(f"beta={self.beta} must be above 0")

    def attempt_steps(self, threat: Threat) -> int:
        return (self.steps - 1) * (self.neighbours + 1) + 1  # no neighbours are queried after the last step

    def start(self, batch: Batch) -> VarianceState:
        zero = torch.zeros_like(batch.x)
        return VarianceState(
            x_adv=batch.x, velocity=zero, offset=zero, x_from=batch.x, grad_from=zero, total=zero, variance=zero
        )

    def view(self, batch: Batch, state: MomentumState, x_adv: Tensor) -> Tensor:
        assert isinstance(state, VarianceState)
        return x_adv + state.offset

    def step(self, batch: Batch, state: MomentumState, response: Response) -> VarianceState:
        assert isinstance(state, VarianceState)
        position = response.step % (self.neighbours + 1)
        here, last = (per_sample(position == which, batch.x) for which in (0, self.neighbours))
        moved = super().step(batch, state, replace(response, grad=response.grad + state.variance))
        x_adv = torch.where(here, moved.x_adv, state.x_adv)
        x_from = torch.where(here, state.x_adv, state.x_from)
        grad_from = torch.where(here, response.grad, state.grad_from)
        total = torch.where(here, 0, state.total + response.grad)
        return VarianceState(
            x_adv=x_adv,
            velocity=torch.where(here, moved.velocity, state.velocity),
            offset=torch.where(last, 0, x_from - x_adv + self._noise(batch, response.step)),
            x_from=x_from,
            grad_from=grad_from,
            total=total,
            variance=torch.where(last, total / self.neighbours - grad_from, state.variance),
        )

    def _noise(self, batch: Batch, step: Tensor) -> Tensor:
        threat, shape, dtype = batch.threat, tuple(batch.x.shape[1:]), batch.x.dtype
        assert isinstance(threat, NormThreat)
        drawn = batch.random.uniform if threat.norm == "linf" else batch.random.normal
        noise = drawn(batch.sample_ids, shape, attempt=batch.attempt, step=step, stream="neighbour", dtype=dtype)
        unit = 2 * noise - 1 if threat.norm == "linf" else noise / per_sample(norm_of(noise, "l2"), noise)
        return self.beta * threat.eps * unit
