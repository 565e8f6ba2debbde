"""Queries to a model: its outputs for images, and whether they are a success for the attacker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.contracts.model import Model
from robustkit.contracts.rows import Rows
from robustkit.contracts.samples import Samples
from robustkit.global_state import full_precision


@dataclass(kw_only=True)
class Answer(Rows):
    """A model's outputs for images, evaluated by its criterion.

    Parameters
    ----------
    columns
        ``(B, K)``: the outputs that a result keeps; the logits of a classifier.
    success
        Bool ``(B,)``: whether the attacker succeeds.
    margin
        ``(B,)``: the attacker's margin; above 0 on success.
    """

    columns: Tensor
    success: Tensor
    margin: Tensor

    @property
    def finite(self) -> Tensor:
        """Bool ``(B,)``: whether all columns are finite."""
        return self.columns.isfinite().all(1)


def answer(model: Model, x: Tensor, samples: Samples, *, clean: bool = False) -> Answer:
    """The model's answer for images ``(B, C, H, W)`` derived from samples: one pass without gradients, in chunks that fit in memory.

    Parameters
    ----------
    clean
        Whether these are the clean images: `y` and `targets` are checked against the outputs, and `targets` are then ignored.

    Raises
    ------
    UsageError
        If a label or a target is not one of the model's.
    """
    criterion = model.criterion

    def part(index: Tensor) -> tuple[Tensor, ...]:
        whole = len(index) == len(x)
        outputs, rows = (model(x), samples) if whole else (model(x[index]), samples.rows(index))
        columns = criterion.columns(outputs)
        if clean:
            criterion.check_columns(columns, rows)
            rows = rows.untargeted
        return columns, criterion.success(outputs, rows), criterion.margin(outputs, rows)

    with torch.no_grad(), full_precision(model.device), model.frozen():
        columns, success, margin = model.in_chunks(part, torch.arange(len(x), device=x.device), like=x)
    return Answer(columns=columns, success=success, margin=margin)


def ask(model: Model, x: Tensor, samples: Samples, *, clearly: bool = False, clean: bool = False) -> Answer:
    """The model's answer for images, by majority over its draws.

    Inside `Model.frozen` the draws continue the previous ones; elsewhere they start at the caller's random state, which is restored.

    Parameters
    ----------
    model
        The model.
    x
        Images ``(B, C, H, W)`` derived from the samples.
    samples
        Their labels and targets.
    clearly
        Require a clear majority for a success: three standard errors more votes than half, or all votes. Otherwise a
        borderline sample might not be attacked, or its search might end too early. No effect with one draw.
    clean
        As in `answer`.

    Returns
    -------
    The mean columns (not finite where one draw is not), the mean margin, and whether most draws are a success.
    """
    draws = model.draws
    if draws == 1:
        return answer(model, x, samples, clean=clean)
    with model.frozen():
        answers = [answer(model, x, samples, clean=clean) for _ in range(draws)]
    lead = min(3 * draws**0.5, draws - 1) if clearly else 0
    votes = sum(each.success.long() for each in answers)
    return Answer(
        columns=sum(each.columns for each in answers) / draws,  # type: ignore[arg-type]
        success=2 * votes > draws + lead,  # type: ignore[arg-type]
        margin=sum(each.margin for each in answers) / draws,  # type: ignore[arg-type]
    )


def predict(model: Model, x: Tensor, y: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The logits ``(B, K)`` of a classifier, the predicted class ``(B,)`` and whether it is adversarial, bool ``(B,)``.

    With several draws: the mean logits, and the most frequent class that agrees with the majority's verdict.
    """

    def ballot(logits: Tensor) -> Tensor:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1)

    logits, counts = _poll(model, x, ballot)
    aim = (y if targets is None else targets)[:, None]
    votes = 2 * counts.gather(1, aim)
    reached = votes > model.draws if targets is not None else votes >= model.draws
    prediction = counts.scatter(1, aim, torch.where(reached, torch.inf, -torch.inf).to(counts)).argmax(1)
    return logits, prediction, reached[:, 0] if targets is not None else ~reached[:, 0]


def _poll(model: Model, x: Tensor, vote: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """The mean logits over the model's draws, and the sum of their votes."""
    draws = model.draws
    with nullcontext() if draws == 1 else model.frozen():
        logits = model.logits(x)
        votes = vote(logits)
        for _ in range(draws - 1):
            more = model.logits(x)
            votes = votes + vote(more)
            logits = logits + more
    return logits if draws == 1 else logits / draws, votes


def least_lead(columns: Tensor) -> Tensor:
    """The margin ``(B,)`` above which a success does not depend on rounding: 64 units of rounding."""
    return 64 * torch.finfo(columns.dtype).eps * columns.abs().amax(1)
