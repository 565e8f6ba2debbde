"""Jacobian-based saliency map attack: changes two elements per step (Papernot et al., arXiv 1511.07528)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.losses import take
from robustkit.plugin import AttackInfo, Batch, MinimumNormAttack, Response, State, Threat, UsageError, least_lead, per_sample

#: Number of individually best elements among which the best pair is searched.
SHORTLIST = 256


@dataclass(kw_only=True)
class SaliencyState(State):
    """State of JSMA.

    Parameters
    ----------
    over
        Bool ``(B,)``: whether the image is adversarial or no element is left to change.
    """

    over: Tensor


@dataclass(frozen=True, kw_only=True)
class JSMA(MinimumNormAttack[SaliencyState]):
    """Repeatedly changes the pair of elements that most raises the target's logit while lowering the others.

    The other classes are weighted by their probability: the paper's unweighted sum of derivatives includes classes with
    negligible probability and changes two to three times as many elements.

    An untargeted attack aims at the likeliest wrong class of the clean image, but any wrong class counts as a success.

    Parameters
    ----------
    steps
        Maximum number of steps; each changes two elements.
    theta
        Change of an element per step, in widths of the box, as in the paper: positive towards the upper bound, negative
        towards the lower one. None changes each element once, all the way to the better bound, and multiplies its derivatives
        by that distance (as in arXiv 1808.07945 and 2007.06032).
    """

    steps: int = 100
    theta: float | None = None

    needs_clean_logits: ClassVar[bool] = True
    exact_cost: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="jsma",
        threats=("l0",),
        knowledge="white-box",
        targeted=True,
        cost="at most steps + 3 forwards, 2 * steps backwards",
        paper="The Limitations of Deep Learning in Adversarial Settings, arXiv 1511.07528",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.theta is not None and (self.theta == 0 or not -1 <= self.theta <= 1):
            raise UsageError(f"theta={self.theta} must be between -1 and 1, and not 0")

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        forwards, backwards = super().cost(threat, num_classes, draws)
        return forwards, 2 * backwards

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        """The logit of the target class, and the log-sum-exp of all others: ``(B, 2)``."""
        target = batch.targets
        if target is None:
            assert batch.clean_logits is not None
            target = batch.clean_logits.scatter(1, batch.y[:, None], -torch.inf).argmax(1)
        wanted = take(logits, target)
        return torch.stack([wanted, logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)], dim=1)

    def start(self, batch: Batch) -> SaliencyState:
        return SaliencyState(x_adv=batch.x, over=torch.zeros_like(batch.y, dtype=torch.bool))

    def step(self, batch: Batch, state: SaliencyState, response: Response) -> SaliencyState:
        x, (low, high) = batch.x.flatten(1), batch.bounds
        x_adv = state.x_adv.flatten(1)
        wanted, others = response.grad.flatten(2).unbind(1)
        if self.theta is None:
            change = torch.where(individual_effect(wanted, others) > 0, high - x, low - x)
            weight, free = change, (x_adv == x) & (change != 0)
        else:
            change = torch.full_like(x, self.theta * (high - low))
            weight, free = change.sign(), (x_adv < high) if self.theta > 0 else (x_adv > low)
        pair = best_pair(weight * wanted, weight * others, free)
        chosen = torch.zeros_like(free).scatter(1, pair, True) & free
        moved = torch.where(chosen, (x_adv + change).clamp(low, high), x_adv).reshape(batch.x.shape)
        won = response.margin > least_lead(response.logits)
        return SaliencyState(x_adv=torch.where(per_sample(won, batch.x), state.x_adv, moved), over=won | ~free.any(1))

    def done(self, batch: Batch, state: SaliencyState) -> Tensor:
        return state.over


def best_pair(wanted: Tensor, others: Tensor, free: Tensor) -> Tensor:
    """The pair of free elements with the highest saliency, ``(B, 2)``.

    The saliency is ``-(wanted[p] + wanted[q]) * (others[p] + others[q])`` if the first sum is positive and the second negative.
    If there is no such pair, the two individually best elements.

    Parameters
    ----------
    wanted, others
        ``(B, n)``: derivatives of the target's logit and of the log-sum-exp of the others.
    free
        Bool ``(B, n)``: whether an element may still change.
    """
    index = torch.where(free, individual_effect(wanted, others), -torch.inf).argsort(dim=1, descending=True, stable=True)[
        :, :SHORTLIST
    ]
    m = index.shape[1]
    rise, fall, free = (values.gather(1, index) for values in (wanted, -others, free))
    rise, fall = rise[:, :, None] + rise[:, None, :], fall[:, :, None] + fall[:, None, :]
    allowed = (
        (rise > 0) & (fall > 0) & free[:, :, None] & free[:, None, :] & ~torch.eye(m, dtype=torch.bool, device=free.device)
    )
    saliency, flat = torch.where(allowed, rise * fall, 0).flatten(1).max(1, keepdim=True)
    place = torch.cat([flat // m, flat % m], dim=1)
    best = torch.arange(2, device=free.device).expand_as(place).clamp_max(m - 1)
    return index.gather(1, torch.where(saliency > 0, place, best))


def individual_effect(wanted: Tensor, others: Tensor) -> Tensor:
    """The effect of each element on both objectives, each normalised by the largest effect of any element. ``(B, n)``."""
    tiny = torch.finfo(wanted.dtype).tiny
    most_wanted, most_others = (values.abs().amax(1, keepdim=True).clamp_min(tiny) for values in (wanted, others))
    return wanted / most_wanted - others / most_others
