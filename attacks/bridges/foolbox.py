"""The attacks of Foolbox: ``foolbox/CLASS``."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.bridges.base import ANY, PeerAttack, adapt
from robustkit.attacks.bridges.task import Task
from robustkit.bridge import Library
from robustkit.plugin import Knowledge

#: Parts of the names of decision-based attacks.
DECISION = (
    "Noise",
    "Blur",
    "Contrast",
    "Inversion",
    "Binarization",
    "Dataset",
    "Spatial",
    "Boundary",
    "HopSkipJump",
    "Pointwise",
)

#: Refines the adversarial images of another attack.
OTHER_PROBLEMS = ("BinarizationRefinementAttack",)

#: Their signatures accept a targeted criterion, but the attacks reject it or find no starting point.
UNTARGETED = ("L1FastGradientAttack", "L2FastGradientAttack", "LinfFastGradientAttack", "PointwiseAttack")

NORM_OF = {math.inf: "linf", 2: "l2", 1: "l1", 0: "l0"}


@dataclass(frozen=True, kw_only=True)
class FoolboxAttack(PeerAttack):
    """An attack of Foolbox."""

    provided: ClassVar[frozenset[str]] = frozenset(
        ("distance", "constraint", "eps", "epsilon", "epsilons", "norm", "targeted", "bounds", "tensorboard", "channel_axis")
    )

    def attack_batch(self, task: Task) -> Tensor:
        foolbox = library()
        model = foolbox.PyTorchModel(task.network, bounds=(0, 1), device=task.x.device)
        attack = self.create({"distance": getattr(foolbox.distances, task.norm), "constraint": task.norm})
        if hasattr(attack, "feed"):
            attack.feed(model, task.x)
        criterion = (
            foolbox.criteria.Misclassification(task.y)
            if task.targets is None
            else foolbox.criteria.TargetedMisclassification(task.targets)
        )
        budget = {"epsilon": task.eps} if isinstance(attack, foolbox.attacks.base.FixedEpsilonAttack) else {}
        try:
            found: Tensor = attack.run(model, task.x, criterion, **budget)
        except ValueError as error:
            # Foolbox fails for the whole batch if one image has no starting point.
            if "init_attack failed" not in str(error):
                raise
            return task.x if len(task.x) == 1 else torch.cat([self.attack_batch(one) for one in task.each()])
        return found


def library() -> Any:
    """Foolbox, imported dynamically because it exports no names to type checkers."""
    return import_module("foolbox")


def classes() -> Mapping[str, type[Any]]:
    """Foolbox's attacks, including short names."""
    attacks = library().attacks
    return {
        name: known
        for name, known in vars(attacks).items()
        if inspect.isclass(known)
        and issubclass(known, attacks.Attack)
        and not inspect.isabstract(known)
        and name not in OTHER_PROBLEMS
    }


def adapted(name: str, peer: type[Any]) -> type[PeerAttack]:
    """The plugin for a class of Foolbox."""
    criterion = str(inspect.signature(peer.run).parameters["criterion"].annotation)
    anything = "criteria.Criterion" in criterion
    return adapt(
        FoolboxAttack,
        name,
        peer,
        f"{LIBRARY.distribution} {LIBRARY.version}",
        norms=norms(peer),
        knowledge=knowledge(peer.__name__),
        targeted=(anything or "TargetedMisclassification" in criterion) and peer.__name__ not in UNTARGETED,
        only_targeted=not anything and ".Misclassification" not in criterion,
    )


def norms(peer: type[Any]) -> tuple[str, ...]:
    """The norms in which a class measures distance; all if it has a parameter for the norm or measures none."""
    if "constraint" in inspect.signature(peer).parameters:
        return ("linf", "l2")
    if issubclass(peer, library().attacks.base.FlexibleDistanceMinimizationAttack) or not hasattr(peer, "distance"):
        return ANY
    bare: Any = object.__new__(peer)
    return (NORM_OF[bare.distance.p],)


def knowledge(name: str) -> Knowledge:
    """The knowledge that an attack needs."""
    if name == "GenAttack":
        return "score"
    return "decision" if any(part in name for part in DECISION) else "white-box"


LIBRARY = Library("foolbox", "attack", "foolbox", "'robustkit[peers]'", classes, adapted)
