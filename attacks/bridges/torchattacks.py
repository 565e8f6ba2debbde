"""The attacks of torchattacks: ``torchattacks/CLASS``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from robustkit.attacks.bridges.base import ANY, PeerAttack, adapt
from robustkit.attacks.bridges.task import Task
from robustkit.bridge import Library
from robustkit.plugin import Knowledge

#: The identity, an attack that needs training data, and a sequence of other attacks.
OTHER_PROBLEMS = ("VANILA", "LGV", "MultiAttack")

#: Norms that differ from the documented ones: FAB fails for l1.
NORMS = {"FAB": ("linf", "l2")}

KNOWLEDGE: dict[str, Knowledge] = {
    "GN": "decision",
    **dict.fromkeys(("OnePixel", "Pixle", "SPSA", "Square"), "score"),
}


@dataclass(frozen=True, kw_only=True)
class TorchAttack(PeerAttack):
    """An attack of torchattacks."""

    provided: ClassVar[frozenset[str]] = frozenset(("model", "norm", "eps", "max_epsilon", "n_classes", "seed", "verbose"))

    def attack_batch(self, task: Task) -> Tensor:
        values = {
            "norm": task.norm.capitalize(),
            "eps": task.eps,
            "max_epsilon": task.eps,
            "n_classes": task.num_classes,
            "seed": task.seed,
            "verbose": False,
        }
        attack = self.create(values, task.network)
        if task.targets is not None:
            attack.set_mode_targeted_by_function(lambda images, labels: task.targets, quiet=True)
        found: Tensor = attack(task.x, task.y)
        return found


def classes() -> Mapping[str, type[Any]]:
    """torchattacks' attacks on images."""
    import torchattacks
    from torchattacks.attack import Attack

    return {
        name: known
        for name, known in vars(torchattacks).items()
        if inspect.isclass(known) and issubclass(known, Attack) and name not in OTHER_PROBLEMS
    }


def adapted(name: str, peer: type[Any]) -> type[PeerAttack]:
    """The plugin for a class of torchattacks, with norms from its documentation and goals from an instance."""
    measured = re.search(r"Distance Measure *: *(.*)", peer.__doc__ or "")
    found = re.findall(r"L(?:inf|[012])", measured[1]) if measured else []
    return adapt(
        TorchAttack,
        name,
        peer,
        f"{LIBRARY.distribution} {LIBRARY.version}",
        norms=NORMS.get(peer.__name__) or [norm.lower() for norm in found] or ANY,
        knowledge=KNOWLEDGE.get(peer.__name__, "white-box"),
        targeted="targeted" in peer(nn.Linear(1, 1)).supported_mode,
    )


LIBRARY = Library("torchattacks", "attack", "torchattacks", "--no-deps torchattacks", classes, adapted)
