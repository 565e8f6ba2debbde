"""Contenders of a bench: the timed run of each, and the untimed verification of its answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeVar

import torch
from torch import Tensor

from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.data.base import Data
from robustkit.iterative import MinimumNormAttack
from robustkit.losses import is_adversarial
from robustkit.threats import Threat

T = TypeVar("T")


@dataclass(frozen=True)
class Ground:
    """The common setting of all contenders: a model, images ``(N, C, H, W)``, labels ``(N,)``, a threat and a seed."""

    model: Model
    data: Data
    x: Tensor
    y: Tensor
    threat: Threat
    seed: int


@dataclass(frozen=True)
class Answer:
    """The verified result of a contender, on the CPU.

    Parameters
    ----------
    robust
        Bool ``(N,)``: correctly classified before and after the attack.
    distance
        ``(N,)``: to the nearest adversarial image found, at any eps; 0 if the clean image is misclassified, infinite if none.
    forwards, backwards
        Total passes over all images.
    """

    robust: Tensor
    distance: Tensor
    forwards: int
    backwards: int


#: The timed part. It returns the untimed part, which returns the answer, or the reason for its absence.
Run = Callable[[], Callable[[], Answer | str]]


@dataclass(frozen=True)
class Contender:
    """An attack, suite or peer.

    Parameters
    ----------
    name, kind, against
        As in `Entry`.
    run
        Its timed part.
    minimizes
        Whether it searches for the nearest adversarial images.
    """

    name: str
    kind: Literal["attack", "protocol", "peer"]
    run: Run
    minimizes: bool = False
    against: str | None = None

    @property
    def key(self) -> str:
        """A name that is unique among contenders."""
        return f"{self.name} beside {self.against}" if self.against else self.name


def attack_contender(ground: Ground, spec: str, attack: Attack) -> Contender:
    """An attack, ours or a bridged one, as a contender."""

    def run() -> Callable[[], Answer]:
        call = partial(attack, ground.model, ground.x, ground.y, ground.threat, seed=ground.seed)
        result, forwards, backwards = counted(ground.model, call)
        return partial(judged, ground, result, forwards, backwards)

    return Contender(spec, "attack", run, minimizes(attack))


def minimizes(attack: Attack) -> bool:
    """Whether an attack searches for the nearest adversarial image rather than for any within eps."""
    return isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps


def as_peer(contender: Contender, against: Contender) -> Contender:
    """The contender as a peer of one of ours. If it fails, the bench continues."""
    return replace(may_fail(contender), kind="peer", against=against.name, minimizes=against.minimizes)


def may_fail(contender: Contender) -> Contender:
    """The contender with failures returned as a reason instead of raised. Its output goes to stderr."""

    def run() -> Callable[[], Answer | str]:
        try:
            with redirect_stdout(sys.stderr):
                return contender.run()
        except Exception as error:  # third-party code may raise anything
            reason = f"fails: {type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"
            return lambda: reason

    return replace(contender, run=run)


def judged(ground: Ground, result: AttackResult, forwards: int, backwards: int) -> Answer:
    """The answer from an attack's result: robustness by one fresh pass, distances as verified by the attack."""
    robust = still_correct(ground.model, ground.x, result.x_adv, ground.y, ground.threat)
    return Answer(robust.cpu(), result.nearest_distance.double().cpu(), forwards, backwards)


def still_correct(model: Model, x: Tensor, x_adv: Tensor, y: Tensor, threat: Threat) -> Tensor:
    """Which images are correctly classified before and after the attack; images outside the threat do not count. Bool ``(N,)``."""
    correct = model.logits(x).argmax(1) == y
    fooled = is_adversarial(model.logits(x_adv), y, None) & threat.contains(x, x_adv, model.bounds)
    return correct & ~fooled


def counted(model: Model, run: Callable[[], T]) -> tuple[T, int, int]:
    """The return value of a run and its total forward and backward passes, including those of an accelerated twin."""
    counters = [model, *([] if model.twin is None else [model.twin])]
    forwards, backwards = (-sum(getattr(each, name) for each in counters) for name in ("forwards", "backwards"))
    returned = run()
    return (
        returned,
        forwards + sum(each.forwards for each in counters),
        backwards + sum(each.backwards for each in counters),
    )


def images_and_labels(data: Data, model: Model) -> tuple[Tensor, Tensor]:
    """All images ``(N, C, H, W)`` and the model's labels ``(N,)``, on its device."""
    parts = list(data.matched(model).batches(model.spec, 256))
    return torch.cat([part.x for part in parts]).to(model.device), torch.cat([part.y for part in parts]).to(model.device)
