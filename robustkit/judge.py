"""The verdict on images that were made without the model under test: one clean pass, and one fresh pass about each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustkit.contract import AttackResult, Prepared, Status, ask
from robustkit.engine import check_classes
from robustkit.iterative import select
from robustkit.model import Model
from robustkit.rng import pass_seed
from robustkit.threats import Threat


def judge(
    model: Model,
    samples: Prepared,
    threat: Threat,
    make: Callable[[Prepared, int], Tensor],
    *,
    draws: int = 1,
    seed: int = 0,
) -> AttackResult:
    """Ask about the clean images, then about what the correctly classified ones were made into.

    Parameters
    ----------
    model, samples, threat, seed
        As in `Attack.__call__`, prepared.
    make
        Takes the samples that are classified correctly and the number of classes to images of the same shape.
    draws
        Draws of a randomised model in each of the two questions, or the model's own if those are more; most of them must agree.

    Raises
    ------
    UsageError
        If a label or a target is none of the model's classes.
    """
    draws = max(draws, model.draws)
    with model.frozen(pass_seed(seed, "judge")), torch.no_grad():
        logits, wrong = ask(model, samples.x, samples.y, None, draws, clearly=True)
        check_classes(model, samples, logits.shape[1])
        finite = logits.isfinite().all(1)
        status = torch.where(wrong, int(Status.MISCLASSIFIED), int(Status.FAILED))
        status = torch.where(finite, status, int(Status.ERROR))
        forwards = torch.full_like(status, draws)
        x_adv = samples.x.clone()
        rows = (status == Status.FAILED).nonzero().squeeze(1)
        if len(rows):
            attacked = select(samples, rows)
            made = make(attacked, logits.shape[1])
            fresh, adversarial = ask(model, made, attacked.y, attacked.targets, draws)
            success = adversarial & threat.contains(attacked.x, made, model.bounds)
            verdict = torch.where(success, int(Status.FOUND), int(Status.FAILED))
            status[rows] = torch.where(fresh.isfinite().all(1), verdict, int(Status.ERROR))
            x_adv[rows], logits[rows] = made, fresh
            forwards[rows] += draws
    found = status == Status.FOUND
    return AttackResult(
        x_adv=x_adv,
        success=found,
        distance=threat.distance(samples.x, x_adv),
        forwards=forwards,
        backwards=torch.zeros_like(forwards),
        first_success_step=torch.where(found, 0, -1),
        status=status,
        reported=found.clone(),
        logits=logits,
        zero_gradients=torch.zeros_like(forwards),
    )
