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

#: Parts of the names of attacks that ask for decisions only.
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

#: What refines adversarial images that another attack found.
OTHER_PROBLEMS = ("BinarizationRefinementAttack",)

#: Their signatures promise a targeted mode that they refuse, or cannot start.
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
            # It gives a whole batch up where one image has no starting point.
            if "init_attack failed" not in str(error):
                raise
            return task.x if len(task.x) == 1 else torch.cat([self.attack_batch(one) for one in task.each()])
        return found


def library() -> Any:
    """Foolbox, whose names are not exported for type checkers."""
    return import_module("foolbox")


def classes() -> Mapping[str, type[Any]]:
    """Foolbox's attacks, short names included."""
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
    """The plugin that a class of Foolbox is."""
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
    """What a class measures distance in; any norm if it is told, or measures none."""
    if "constraint" in inspect.signature(peer).parameters:
        return ("linf", "l2")
    if issubclass(peer, library().attacks.base.FlexibleDistanceMinimizationAttack) or not hasattr(peer, "distance"):
        return ANY
    bare: Any = object.__new__(peer)
    return (NORM_OF[bare.distance.p],)


def knowledge(name: str) -> Knowledge:
    """What a class must see of the model."""
    if name == "GenAttack":
        return "score"
    return "decision" if any(part in name for part in DECISION) else "white-box"


LIBRARY = Library("foolbox", "attack", "foolbox", "'robustkit[peers]'", classes, adapted)
