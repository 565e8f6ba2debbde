"""Square Attack: random search over square windows of decreasing size (Andriushchenko et al., arXiv 1912.00049)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.score.random_search import RandomSearchState, keep_best, next_words, search_loss, words_ahead
from robustkit.attacks.score.square_bumps import move_mass, start_bumps
from robustkit.attacks.score.square_stripes import paint_square, start_stripes
from robustkit.crossing import sent
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, NormThreat, Response, State, UsageError

#: Queries, of 10,000, after which the fraction of the image in a window is halved.
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


@dataclass(frozen=True, kw_only=True)
class Square(IterativeAttack[RandomSearchState]):
    """Square Attack: the first query adds stripes (linf) or bumps (l2, l1) to the image, each further one changes a window.

    The schedule, window sizes and loss (the margin; if targeted, the log-probability of the target) are those of AutoAttack's
    code, for l1 those of Mind the Box (arXiv 2103.01208). There are two differences: each sample draws its own windows, so that
    its result does not depend on the batch, and windows can reach the last row and column, as in the paper. A proposal
    that changes nothing costs no query, but counts as a step.

    Parameters
    ----------
    steps
        Number of proposals; each costs a query unless it changes nothing.
    p_init
        Fraction of the image covered by the first windows.
    """

    steps: int = 5000
    p_init: float = 0.8

    needs_gradient: ClassVar[bool] = False
    exact_cost: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="square",
        threats=("linf", "l2", "l1"),
        knowledge="score",
        targeted=True,
        cost="at most steps + 2 forwards",
        paper=(
            "Square Attack: a query-efficient black-box adversarial attack via random search, arXiv 1912.00049; "
            "l1: Mind the Box, arXiv 2103.01208"
        ),
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.p_init <= 1:
            raise UsageError(f"p_init={self.p_init} must be above 0 and at most 1: the fraction of the image in a window")

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> RandomSearchState:
        assert isinstance(batch.threat, NormThreat)
        linf = batch.threat.norm == "linf"
        x_adv = start_stripes(batch) if linf else start_bumps(batch)
        step = torch.zeros_like(batch.sample_ids)
        words = words_ahead(batch, step, 3 if linf else 6)
        return RandomSearchState(
            x_adv=x_adv,
            x_best=x_adv,
            loss_best=torch.full_like(batch.x[:, 0, 0, 0], -torch.inf),
            words=words,
            words_from=step,
            words_left=words.shape[1],
        )

    def asks(self, batch: Batch, state: RandomSearchState) -> Tensor:
        repainted = (state.x_adv != state.x_best).flatten(1).any(1)
        return repainted | state.loss_best.isneginf()

    def step(self, batch: Batch, state: RandomSearchState, response: Response) -> RandomSearchState:
        state, _ = keep_best(state, response)
        state, words = next_words(batch, state, response.step)
        return replace(state, x_adv=self._change_window(batch, state.x_best, words, response.step))

    def _change_window(self, batch: Batch, x_best: Tensor, words: Tensor, step: Tensor) -> Tensor:
        assert isinstance(batch.threat, NormThreat)
        height, width = x_best.shape[2:]
        table, sides = schedule(self.steps, self.p_init, height, width, batch.threat.norm, x_best.device)
        if batch.threat.norm == "linf":
            return paint_square(batch, x_best, words, table[step])
        return move_mass(batch, x_best, words, table[step], sides)


def share(query: int, steps: int, p_init: float) -> float:
    """The fraction of the image covered by a window at a query, counted from 0."""
    scaled = int(query / steps * 10000)
    return p_init * 0.5 ** sum(scaled > bound for bound in HALVINGS)


def window_side(share: float, height: int, width: int, norm: str) -> int:
    """The side of a window that covers this fraction of the image; for l2 and l1 odd and at least 3 if the image allows."""
    side = round(math.sqrt(share * height * width))
    return min(max(side, 1) if norm == "linf" else max(side, 3) // 2 * 2 + 1, height, width)


@lru_cache(maxsize=16)
def schedule(
    steps: int, p_init: float, height: int, width: int, norm: str, device: torch.device
) -> tuple[Tensor, tuple[int, ...]]:
    """The window side at each query, ``(steps,)``, and all sides that occur, ascending."""
    sides = [window_side(share(query, steps, p_init), height, width, norm) for query in range(steps)]
    return sent(torch.tensor(sides), device), tuple(sorted(set(sides)))
