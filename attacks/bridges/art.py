"""The evasion attacks of the Adversarial Robustness Toolbox (ART) that can attack an image classifier: ``art/CLASS``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from robustkit.attacks.bridges.base import ANY, PeerAttack, adapt
from robustkit.attacks.bridges.task import Task
from robustkit.bridge import Library
from robustkit.plugin import Knowledge

#: Not norm-bounded attacks on single images: patches, videos, tabular data, guide images.
OTHER_PROBLEMS = (
    "AdversarialPatch",
    "AdversarialPatchNumpy",
    "AdversarialPatchPyTorch",
    "FeatureAdversariesNumpy",
    "LowProFool",
    "OverTheAirFlickeringPyTorch",
)

#: Norms of the classes without a norm parameter, and of those that support fewer than linf, l2 and l1.
NORMS: dict[str, tuple[str, ...]] = {
    "BasicIterativeMethod": ("linf",),
    "BoundaryAttack": ("l2",),
    "CarliniL0Method": ("l0",),
    "CarliniL2Method": ("l2",),
    "CarliniLInfMethod": ("linf",),
    "CompositeAdversarialAttackPyTorch": ("linf",),
    "DeepFool": ("l2",),
    "ElasticNet": ("l1", "l2"),
    "HopSkipJump": ("linf", "l2"),
    "NewtonFool": ("l2",),
    "PixelAttack": ("l0",),
    "SaliencyMapMethod": ("l0",),
    "SignOPTAttack": ("l2",),
    "SimBA": ("l2",),
    "SquareAttack": ("linf", "l2"),
    "ThresholdAttack": ("linf",),
    "VirtualAdversarialMethod": ("l2",),
    "ZooAttack": ("l2",),
}

#: Their targeted modes need images of the target, or accept any other class.
UNTARGETED = ("SignOPTAttack", "AutoAttack")

KNOWLEDGE: dict[str, Knowledge] = {
    **dict.fromkeys(("BoundaryAttack", "GeoDA", "HopSkipJump", "SignOPTAttack", "SpatialTransformation"), "decision"),
    **dict.fromkeys(
        ("PixelAttack", "SimBA", "SquareAttack", "ThresholdAttack", "VirtualAdversarialMethod", "ZooAttack"), "score"
    ),
}

ORDERS: dict[str, Any] = {"linf": np.inf, "l2": 2, "l1": 1}


@dataclass(frozen=True, kw_only=True)
class ARTAttack(PeerAttack):
    """An evasion attack of ART."""

    provided: ClassVar[frozenset[str]] = frozenset(
        {
            "estimator",
            "classifier",
            "estimator_orig",
            "attacks",
            "parallel_pool_size",
            "batch_size",
            "verbose",
            "summary_writer",
        }
        | {"norm", "ball", "eps", "th", "pgd_epsilon", "targeted"}
    )

    def attack_batch(self, task: Task) -> Tensor:
        from art.estimators.classification import PyTorchClassifier

        if self.peer.__name__ == "ShadowAttack" and len(task.x) > 1:  # accepts one image at a time
            return torch.cat([self.attack_batch(one) for one in task.each()])
        wants_probabilities = self.peer.__name__ in ("SimBA", "VirtualAdversarialMethod")
        estimator = PyTorchClassifier(
            model=nn.Sequential(task.network, nn.Softmax(1)) if wants_probabilities else task.network,
            loss=nn.CrossEntropyLoss(),
            input_shape=tuple(task.x.shape[1:]),
            nb_classes=task.num_classes,
            clip_values=(0.0, 1.0),
            device_type="gpu" if task.x.is_cuda else "cpu",
        )
        attack = self.create(self._values(task), estimator)
        for part in getattr(attack, "attacks", ()):
            part.set_params(verbose=False)
        y: Any = one_hot(task.y if task.targets is None else task.targets, task.num_classes)
        if self.peer.__name__ == "SaliencyMapMethod" and task.targets is None:
            y = None  # it interprets labels as targets
        with seeded_generators():
            found = attack.generate(x=task.x.cpu().numpy(), y=y)
        return torch.from_numpy(np.asarray(found, dtype=np.float32))

    def _values(self, task: Task) -> dict[str, Any]:
        """The parameters given by the threat and the model, under ART's names or those of a particular class."""
        order: Any = ORDERS.get(task.norm)
        values: dict[str, Any] = {
            "norm": order,
            "eps": task.eps,
            "targeted": task.targets is not None,
            "batch_size": len(task.x),
            "verbose": False,
        }
        inner = getattr(self, "attacker_params", None) or {}
        match self.peer.__name__:
            case "CompositeAdversarialAttackPyTorch":
                values["pgd_epsilon"] = (-task.eps, task.eps)
            case "PixelAttack":
                values["th"] = max(1, int(task.eps) // task.x.shape[1])  # in pixels
            case "SimBA" | "ZooAttack":
                values["batch_size"] = 1  # larger batches fail
            case "TargetedUniversalPerturbation":
                values["attacker_params"] = {"targeted": True} | inner
            case "ThresholdAttack":
                values["th"] = max(1, int(task.eps * 255 + 1e-6))  # in levels
            case "UniversalPerturbation" if getattr(self, "attacker", None) == "deepfool":
                values["attacker_params"] = {"verbose": False} | inner
            case "Wasserstein":
                values |= {"norm": str(order), "ball": str(order)}
        return values


def one_hot(y: Tensor, num_classes: int) -> Any:
    """One-hot labels, ``(B, K)``, because ART reads integer labels of two classes differently."""
    return nn.functional.one_hot(y, num_classes).float().cpu().numpy()


@contextmanager
def seeded_generators() -> Iterator[None]:
    """Seed the generators that ART creates without a seed from numpy's global state, which the attack has seeded."""

    class Seeded(np.random.RandomState):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(np.random.randint(2**31) if seed is None else seed)  # noqa: NPY002

    with patch.object(np.random, "RandomState", Seeded):
        yield


def classes() -> Mapping[str, type[Any]]:
    """ART's evasion attacks that need only a PyTorch image classifier."""
    from art.attacks import evasion
    from art.attacks.attack import EvasionAttack
    from art.estimators.classification import PyTorchClassifier

    def fits(name: str, known: Any) -> bool:
        if not (inspect.isclass(known) and issubclass(known, EvasionAttack)):
            return False
        if name in OTHER_PROBLEMS or "TensorFlow" in name:
            return False
        needed = getattr(known, "_estimator_requirements", None) or ()
        if not all(issubclass(PyTorchClassifier, requirement) for requirement in needed):
            return False
        _, *rest = inspect.signature(known).parameters.values()
        return all(each.default is not each.empty for each in rest)

    return {name: known for name, known in vars(evasion).items() if fits(name, known)}


def adapted(name: str, peer: type[Any]) -> type[PeerAttack]:
    """The plugin for a class of ART."""
    takes = inspect.signature(peer).parameters
    only_targeted = peer.__name__ == "TargetedUniversalPerturbation"
    return adapt(
        ARTAttack,
        name,
        peer,
        f"{LIBRARY.distribution} {LIBRARY.version}",
        norms=NORMS.get(peer.__name__, ("linf", "l2", "l1") if "norm" in takes else ANY),
        knowledge=KNOWLEDGE.get(peer.__name__, "white-box"),
        targeted=only_targeted
        or peer.__name__ == "SaliencyMapMethod"
        or ("targeted" in takes and peer.__name__ not in UNTARGETED),
        only_targeted=only_targeted,
    )


LIBRARY = Library("art", "attack", "adversarial-robustness-toolbox", "adversarial-robustness-toolbox", classes, adapted)
