"""Signs on a few images, before an audit, that a model's gradients are no guide (Carlini et al., arXiv 1902.06705)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from robustkit.benchmarks.summary import Flag
from robustkit.contracts.classification import Classification
from robustkit.contracts.model import Model
from robustkit.errors import UsageError
from robustkit.gradients import VANISHED
from robustkit.losses import margin
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom
from robustkit.threats import NormThreat, Threat

#: Share of elements without gradient above which a model is flagged; convolutions may ignore a few at the border.
DEAD_SHARE = 0.9
#: Random directions that the gradient's is compared with, and the share and number of images on which one may be better.
DIRECTIONS = 4
BEHIND_SHARE, BEHIND = 0.2, 3
#: The fraction of eps that is moved: the gradient is a guide nearby only.
NEARBY = 0.25


def check_gradients(model: Model, x: Tensor, y: Tensor, threats: Sequence[Threat]) -> list[Flag]:
    """Check the gradients of a classifier's margin on correctly classified images; costs 8 passes an image and norm threat.

    Parameters
    ----------
    x, y
        Images ``(B, C, H, W)`` in bounds and labels ``(B,)``.
    threats
        The gradient's direction is followed under norm threats only.

    Returns
    -------
    list of Flag
        ``dead-gradients`` if nearly all elements have none, ``random-direction`` if a step along the gradient is no better than
        one in a random direction.
    """
    if model.knowledge != "white-box" or not isinstance(model.criterion, Classification):
        return []
    with model.frozen(seed=1), torch.no_grad():
        right = margin(model.logits(x), y) > 0
        x, y = x[right], y[right]
        if not len(x):
            return []
        try:
            logits, _, grad = model.gradient(x, lambda outputs: -margin(outputs, y))
        except UsageError:  # no gradient reaches the images, which only attacks that need one have to report
            return []
        found = dead_elements(grad)
        balls = [threat for threat in threats if isinstance(threat, NormThreat) and threat.norm != "l0" and not threat.targeted]
        return found or [flag for threat in balls for flag in direction(model, x, y, margin(logits, y), grad, threat)]


def dead_elements(grad: Tensor) -> list[Flag]:
    """Flag gradients ``(B, C, H, W)`` of which nearly all elements are zero or not finite."""
    size = grad.abs()
    dead = float((~((size >= VANISHED) & (size < torch.inf))).double().mean())
    if dead <= DEAD_SHARE:
        return []
    return [
        Flag(
            id="dead-gradients",
            weakens=True,
            sentence=f"{dead:.0%} of the gradient's elements on clean images are zero or not finite: a part of the model passes no "
            "gradient, so gradient attacks prove little.",
        )
    ]


def direction(model: Model, x: Tensor, y: Tensor, clean: Tensor, grad: Tensor, threat: NormThreat) -> list[Flag]:
    """Flag a model whose margin falls less along the gradient than in the best of a few random directions."""
    eps, random = NEARBY * threat.eps, SampleRandom(1, "direction")
    ids = torch.arange(len(x), device=x.device)

    def after(towards: Tensor) -> Tensor:
        moved = threat.project(x, x + step(towards, eps, threat.norm), model.bounds, torch.full_like(clean, eps))
        return margin(model.logits(moved), y)

    best = torch.stack([after(random.normal(ids + len(ids) * i, tuple(x.shape[1:]))) for i in range(DIRECTIONS)]).amin(0)
    followed = after(grad)
    rounding = 1e-5 * clean.abs()  # of few pixels, a random direction may be the gradient's
    behind = int(((followed > best + rounding) | (followed >= clean)).sum())
    if behind < BEHIND or behind / len(x) <= BEHIND_SHARE:
        return []
    return [
        Flag(
            id="random-direction",
            weakens=True,
            sentence=f"On {behind} of {len(x)} clean images a short step along the gradient lowered the margin less than a step in a "
            f"random direction ({threat.id}): the gradients mislead.",
        )
    ]


def step(towards: Tensor, length: float, norm: str) -> Tensor:
    """A step of this length in a norm along a direction: all elements for linf, proportional for l2 and l1."""
    if norm == "linf":
        return length * towards.sign()
    size = towards.flatten(1).norm(dim=1, p=2 if norm == "l2" else 1).clamp_min(torch.finfo(towards.dtype).tiny)
    return length * towards / per_sample(size, towards)
