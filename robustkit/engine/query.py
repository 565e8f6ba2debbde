"""One query of a search: the model's outputs, losses and gradients for the state's images, one forward pass per draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from robustkit.contracts.answer import Answer
from robustkit.contracts.model import Model
from robustkit.contracts.rows import Rows, join, select
from robustkit.crossing import sent
from robustkit.engine.stepping import Batch, State, Stepping
from robustkit.global_state import full_precision

S = TypeVar("S", bound=State)


@dataclass(kw_only=True)
class Seen(Rows):
    """The result of a query.

    Parameters
    ----------
    x
        ``(B, C, H, W)``: the queried images.
    answer
        The model's answer; with several draws the means, and whether most draws are a success.
    loss, grad
        As in `robustkit.engine.stepping.Response`, but gradients may be non-finite.
    """

    x: Tensor
    answer: Answer
    loss: Tensor
    grad: Tensor


class Query(Generic[S]):
    """Queries of an attack to a model."""

    def __init__(self, attack: Stepping[S], model: Model) -> None:
        self.attack, self.model = attack, model

    def ask(self, batch: Batch, state: S, asked: Tensor | None = None, followed: Tensor | None = None) -> Seen:
        """The result for the state's images: only for those `asked`, with gradients only for those `followed`.

        Both are bool ``(B,)`` on the host; None for all.
        """
        seen = self._draw(batch, state, asked, followed)
        draws = self.model.draws
        if draws == 1:
            return seen
        votes = seen.answer.success.long()
        for _ in range(draws - 1):
            more = self._draw(batch, state, asked, followed)
            votes = votes + more.answer.success
            seen.loss, seen.grad = seen.loss + more.loss, seen.grad + more.grad
            seen.answer.columns = seen.answer.columns + more.answer.columns
            seen.answer.margin = seen.answer.margin + more.answer.margin
        mean = Answer(columns=seen.answer.columns / draws, success=2 * votes > draws, margin=seen.answer.margin / draws)
        return Seen(x=seen.x, answer=mean, loss=seen.loss / draws, grad=seen.grad / draws)

    def _draw(self, batch: Batch, state: S, asked: Tensor | None, followed: Tensor | None) -> Seen:
        if not self.attack.needs_gradient:
            return self._scores(batch, state, asked)
        if followed is None or bool(followed.all()):
            return self._in_parts(batch, state)
        return self._partly(batch, state, followed)

    def _scores(self, batch: Batch, state: S, asked: Tensor | None) -> Seen:
        """The result without gradients for the `asked` images; the loss of the others is ``-inf``."""
        leaf = self.attack.leaf(state)
        if asked is None or bool(asked.all()):
            seen = self._forward(batch, state)
        else:
            rows, rest, back = parted(asked, leaf.device)
            seen = self._unasked(select(batch, rest), state.x_adv[rest])
            if len(rows):
                part = self._forward(select(batch, rows), select(state, rows))
                seen = select(join(part, seen), back)
        seen.grad = seen.loss.new_zeros(()).expand_as(leaf)
        return seen

    def _unasked(self, batch: Batch, x: Tensor) -> Seen:
        assert batch.clean_logits is not None
        columns = torch.zeros_like(batch.clean_logits)
        nothing = torch.full_like(columns[:, 0], -torch.inf)
        answer = Answer(columns=columns, success=torch.zeros_like(nothing, dtype=torch.bool), margin=nothing)
        return Seen(x=x, answer=answer, loss=nothing, grad=x.new_empty(len(x), 0))

    def _forward(self, batch: Batch, state: S) -> Seen:
        """The result of one pass without gradients; `grad` is empty, ``(B, 0)``."""
        attack, model = self.attack, self.model
        x = attack.view(batch, state, attack.leaf(state))

        def part(index: Tensor) -> tuple[Tensor, ...]:
            whole = len(index) == len(x)
            batch_, state_ = (batch, state) if whole else (select(batch, index), select(state, index))
            outputs = model(x if whole else x[index])
            return (*_judged(outputs, batch_), attack.loss(batch_, state_, outputs))

        with full_precision(model.device):
            index = torch.arange(len(x), device=x.device)
            columns, success, margin, loss = model.in_chunks(part, index, like=x)
        return Seen(x=x, answer=Answer(columns=columns, success=success, margin=margin), loss=loss, grad=x.new_empty(len(x), 0))

    def _in_parts(self, batch: Batch, state: S) -> Seen:
        """The result of one forward and one backward pass, in chunks if the batch does not fit in memory."""
        attack = self.attack

        def part(index: Tensor) -> tuple[Tensor, ...]:
            whole = len(index) == len(state.x_adv)
            batch_, state_ = (batch, state) if whole else (select(batch, index), select(state, index))
            seen: list[Tensor] = []

            def view(leaf: Tensor) -> Tensor:
                seen.append(attack.view(batch_, state_, leaf))
                return seen[0]

            def loss(outputs: Any) -> Tensor:
                return attack.loss(batch_, state_, outputs)

            outputs, losses, grad = self.model.gradient(attack.leaf(state_), loss, view)
            return (seen[0].detach(), *_judged(outputs, batch_), losses, grad)

        index = torch.arange(len(state.x_adv), device=state.x_adv.device)
        x, columns, success, margin, loss, grad = self.model.in_chunks(part, index, like=batch.x)
        return Seen(x=x, answer=Answer(columns=columns, success=success, margin=margin), loss=loss, grad=grad)

    def _partly(self, batch: Batch, state: S, followed: Tensor) -> Seen:
        """The result with backward passes only for the `followed` samples; the gradients of the others are zeros."""
        rows, rest, back = parted(followed, state.x_adv.device)
        ahead = self._forward(select(batch, rest), select(state, rest))
        ahead.grad = ahead.loss.new_zeros(*ahead.loss.shape, *self.attack.leaf(state).shape[1:])
        if not len(rows):
            return ahead
        part = self._in_parts(select(batch, rows), select(state, rows))
        return select(join(part, ahead), back)


def parted(mask: Tensor, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The rows where a host mask is true, those where it is false, and the permutation that restores their order, on a device."""
    rows, rest = mask.nonzero().squeeze(1), (~mask).nonzero().squeeze(1)
    return sent(rows, device), sent(rest, device), sent(torch.cat([rows, rest]).argsort(), device)


def _judged(outputs: Any, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    criterion = batch.criterion
    return criterion.columns(outputs), criterion.success(outputs, batch.samples), criterion.margin(outputs, batch.samples)
