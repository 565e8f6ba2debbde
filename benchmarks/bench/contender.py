"""Who takes part in a bench: what each does while the clock runs, and how its answer is judged afterwards."""

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
    """What all contenders meet: one model, its images ``(N, C, H, W)`` and labels ``(N,)``, a threat and a seed."""

    model: Model
    data: Data
    x: Tensor
    y: Tensor
    threat: Threat
    seed: int


@dataclass(frozen=True)
class Answer:
    """What became of the images, on the CPU.

    Parameters
    ----------
    robust
        Bool ``(N,)``: classified correctly, and still after the attack.
    distance
        ``(N,)``: to the nearest adversarial image found, whatever eps; 0 where the clean image is wrong, infinite for none.
    forwards, backwards
        Passes of all images together.
    """

    robust: Tensor
    distance: Tensor
    forwards: int
    backwards: int


#: Runs while the clock does. What it returns judges the answer afterwards; it says why, in words, if there is none.
Run = Callable[[], Callable[[], Answer | str]]


@dataclass(frozen=True)
class Contender:
    """An attack, suite or peer.

    Parameters
    ----------
    name, kind, against
        As in `Entry`.
    run
        Its work.
    minimizes
        Whether it looks for the nearest adversarial images.
    """

    name: str
    kind: Literal["attack", "protocol", "peer"]
    run: Run
    minimizes: bool = False
    against: str | None = None

    @property
    def key(self) -> str:
        """A name that no other contender has."""
        return f"{self.name} beside {self.against}" if self.against else self.name


def attack_contender(ground: Ground, spec: str, attack: Attack) -> Contender:
    """An attack by name, ours or a bridged one."""

    def run() -> Callable[[], Answer]:
        call = partial(attack, ground.model, ground.x, ground.y, ground.threat, seed=ground.seed)
        result, forwards, backwards = counted(ground.model, call)
        return partial(judged, ground, result, forwards, backwards)

    return Contender(spec, "attack", run, minimizes(attack))


def minimizes(attack: Attack) -> bool:
    """Whether an attack looks for the nearest adversarial image rather than for any within eps."""
    return isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps


def as_peer(contender: Contender, against: Contender) -> Contender:
    """The same contender beside one of ours. If it fails, the bench goes on."""
    return replace(may_fail(contender), kind="peer", against=against.name, minimizes=against.minimizes)


def may_fail(contender: Contender) -> Contender:
    """The same contender, whose failure is an answer in words. What it prints goes to stderr."""

    def run() -> Callable[[], Answer | str]:
        try:
            with redirect_stdout(sys.stderr):
                return contender.run()
        except Exception as error:  # a stranger's code may raise anything
            reason = f"fails: {type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"
            return lambda: reason

    return replace(contender, run=run)


def judged(ground: Ground, result: AttackResult, forwards: int, backwards: int) -> Answer:
    """The answer in an attack's result: its images by one fresh pass, its distances as it verified them."""
    robust = still_right(ground.model, ground.x, result.x_adv, ground.y, ground.threat)
    return Answer(robust.cpu(), result.nearest_distance.double().cpu(), forwards, backwards)


def still_right(model: Model, x: Tensor, x_adv: Tensor, y: Tensor, threat: Threat) -> Tensor:
    """Which images are classified correctly and still are after the attack, if that stayed inside the threat. Bool ``(N,)``."""
    right = model.logits(x).argmax(1) == y
    fooled = is_adversarial(model.logits(x_adv), y, None) & threat.contains(x, x_adv, model.bounds)
    return right & ~fooled


def counted(model: Model, run: Callable[[], T]) -> tuple[T, int, int]:
    """What a run returns, and the forward and backward passes it cost all images together, those of a quick twin included."""
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
