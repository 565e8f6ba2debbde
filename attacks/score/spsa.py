"""SPSA: Adam on gradients estimated from simultaneous perturbations of all elements (Uesato et al., arXiv 1802.05666)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.antithetic import AntitheticAttack, AntitheticState
from robustkit.attacks.score.ball import to_ball
from robustkit.attacks.score.random_search import coins
from robustkit.losses import margin
from robustkit.plugin import AttackInfo, Batch, NormThreat, State, UsageError, per_sample

BETAS = (0.9, 0.999)  # Adam's default decay rates


@dataclass(kw_only=True)
class SPSAState(AntitheticState):
    """State of the ascent, with Adam's moments.

    Parameters
    ----------
    mean, square
        ``(B, C, H, W)``: running means of gradients and of their squares, without bias correction.
    moves
        ``(B,)``: number of gradients in these means, in the images' dtype.
    """

    mean: Tensor
    square: Tensor
    moves: Tensor


@dataclass(frozen=True, kw_only=True)
class SPSA(AntitheticAttack[SPSAState]):
    """Adam on the margin, with gradients estimated from antithetic pairs of queries along random sign vectors.

    Parameters
    ----------
    steps
        Number of queries.
    population
        Number of queries per gradient estimate, even and at most `steps`.
    delta
        Change of every element in a query, as a fraction of the bounds' width.
    step_size
        Adam's learning rate, in the unit of the bounds; None means eps / 3, as in the paper (0.01 for 8/255).
    """

    population: int = 128
    delta: float = 0.01
    step_size: float | None = None

    info: ClassVar[AttackInfo] = AttackInfo(
        name="spsa",
        threats=("linf",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Adversarial Risk and the Dangers of Evaluating Against Weak Attacks, arXiv 1802.05666",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("delta", self.delta), ("step_size", self.step_size)):
            if value is not None and not value > 0:
                raise UsageError(f"{name}={value} must be above 0")

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return -margin(logits, batch.y) if batch.targets is None else margin(logits, batch.targets)

    def radius(self, batch: Batch) -> float:
        return self.delta * (batch.bounds[1] - batch.bounds[0])

    def start(self, batch: Batch) -> SPSAState:
        zero = torch.zeros_like(batch.x)
        return SPSAState(**vars(self.first_state(batch)), mean=zero, square=zero, moves=torch.zeros_like(batch.x[:, 0, 0, 0]))

    def draw(self, batch: Batch, pair: Tensor) -> Tensor:
        """Random signs, one per bit of a random word."""
        count = batch.x[0].numel()
        words = batch.random.bits(batch.sample_ids, ((count + 31) // 32,), attempt=batch.attempt, step=pair)
        heads = coins(words, 32).flatten(1)[:, :count].reshape(batch.x.shape)
        return 2 * heads.to(batch.x.dtype) - 1

    def move(self, batch: Batch, state: SPSAState) -> SPSAState:
        assert isinstance(batch.threat, NormThreat)
        moves = state.moves + 1
        grad = state.grad / (self.population * self.radius(batch))
        mean = BETAS[0] * state.mean + (1 - BETAS[0]) * grad
        square = BETAS[1] * state.square + (1 - BETAS[1]) * grad.square()
        mean_bias, square_bias = (per_sample(1 - beta**moves, grad) for beta in BETAS)
        direction = (mean / mean_bias) / ((square / square_bias).sqrt() + 1e-8)
        step_size = batch.threat.eps / 3 if self.step_size is None else self.step_size
        return replace(
            state,
            x_from=to_ball(batch, state.x_from + step_size * direction),
            grad=torch.zeros_like(grad),
            mean=mean,
            square=square,
            moves=moves,
        )
