"""NES: projected ascent along gradients estimated by natural evolution strategies (Ilyas et al., arXiv 1804.08598)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.antithetic import AntitheticAttack, AntitheticState
from robustkit.attacks.score.ball import to_ball
from robustkit.plugin import AttackInfo, Batch, NormThreat, UsageError, per_sample
from robustkit.threats import norm_of

MOMENTUM = 0.9  # the authors' code


@dataclass(frozen=True, kw_only=True)
class NES(AntitheticAttack[AntitheticState]):
    """Steepest-ascent steps with momentum, on gradients estimated from antithetic pairs of Gaussian queries.

    Parameters
    ----------
    steps
        Number of queries.
    population
        Number of queries per gradient estimate, even and at most `steps`.
    sigma
        Standard deviation of the queries around the iterate, as a fraction of the bounds' width.
    step_size
        Length of a step in the threat's norm, in the unit of the bounds; None means eps / 5, as in the paper.
    """

    sigma: float = 0.001
    step_size: float | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="nes",
        threats=("linf", "l2"),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Black-box Adversarial Attacks with Limited Queries and Information, arXiv 1804.08598",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma > 0:
            raise UsageError(f"sigma={self.sigma} must be above 0")
        if self.step_size is not None and not self.step_size > 0:
            raise UsageError(f"step_size={self.step_size} must be above 0")

    def radius(self, batch: Batch) -> float:
        return self.sigma * (batch.bounds[1] - batch.bounds[0])

    def start(self, batch: Batch) -> AntitheticState:
        return self.first_state(batch)

    def draw(self, batch: Batch, pair: Tensor) -> Tensor:
        return gaussian(batch, pair)

    def move(self, batch: Batch, state: AntitheticState) -> AntitheticState:
        threat, grad = batch.threat, state.grad
        assert isinstance(threat, NormThreat)
        length = threat.eps / 5 if self.step_size is None else self.step_size
        direction = grad.sign() if threat.norm == "linf" else grad / per_sample(norm_of(grad, "l2") + 1e-12, grad)
        x_from = to_ball(batch, state.x_from + length * direction)
        return replace(state, x_from=x_from, grad=MOMENTUM * grad)


def gaussian(batch: Batch, pair: Tensor) -> Tensor:
    """Standard normal draws with the images' shape, two per 32-bit word (Box-Muller on 16-bit halves)."""
    count = batch.x[0].numel()
    words = batch.random.bits(batch.sample_ids, ((count + 1) // 2,), attempt=batch.attempt, step=pair)
    radius = (-2 * (((words & 0xFFFF).to(batch.x.dtype) + 0.5) / 65536).log()).sqrt()
    angle = (words >> 16).to(batch.x.dtype) * (2 * math.pi / 65536)
    draws = torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)[:, :count]
    return draws.reshape(batch.x.shape)
