"""Verification of adversarial images generated without the model under test: one clean pass and one pass on each image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from robustkit.contracts.answer import ask
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.samples import Samples
from robustkit.engine.verification import verify
from robustkit.rng import pass_seed
from robustkit.threats import Threat


def judge(
    model: Model,
    samples: Samples,
    threat: Threat,
    make: Callable[[Samples, int], Tensor],
    *,
    seed: int = 0,
) -> AttackResult:
    """The verified result on the images that `make` returns for the correctly classified samples.

    Parameters
    ----------
    model, samples, threat, seed
        As in `Attack.run`.
    make
        Maps the correctly classified samples and the number of classes to images of the same shape.

    Raises
    ------
    UsageError
        If a label or a target is not one of the model's classes.
    """
    with model.frozen(pass_seed(seed, "judge")), torch.no_grad():
        clean = ask(model, samples.x, samples, clearly=True, clean=True)
        columns = clean.columns.clone()
        status = torch.where(clean.success, int(Status.MISCLASSIFIED), int(Status.FAILED))
        status = torch.where(clean.finite, status, int(Status.ERROR))
        forwards = torch.full_like(status, model.draws)
        x_adv = samples.x.clone()
        rows = (status == Status.FAILED).nonzero().squeeze(1)
        if len(rows):
            attacked = samples.rows(rows)
            made = make(attacked, columns.shape[1])
            verdict = verify(model, attacked, threat, made)
            ended = torch.where(verdict.success, int(Status.FOUND), int(Status.FAILED))
            status[rows] = torch.where(verdict.answer.finite, ended, int(Status.ERROR))
            x_adv[rows], columns[rows] = made, verdict.answer.columns
            forwards[rows] += model.draws
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
        logits=columns,
        zero_gradients=torch.zeros_like(forwards),
    )
