"""The contract of an attack: what anyone can implement in one function, and what it must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from robustkit.arrays import as_tensor
from robustkit.contracts.classification import Classification
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.errors import AttackError, UsageError, brief
from robustkit.threats import Knowledge, NormThreat, Threat


@dataclass(frozen=True, kw_only=True)
class AttackInfo:
    """What a plugin says of itself.

    Parameters
    ----------
    name
        The name the literature uses, which also seeds its random numbers.
    threats
        The budgets it answers: ``linf``, ``l2``, ``l1``, ``l0``, ``patch``.
    knowledge
        What it must see of the model.
    targeted
        Whether it can aim at a given class.
    cost
        Passes a survivor costs, in words with the parameters' names.
    paper
        Title and arXiv number.
    control
        Whether it shows what is reached without a method, so that it alone is no evidence of robustness.
    any_criterion
        Whether it works by success, margin and loss alone, whatever the model's outputs are; else it reads a classifier's logits.
    """

    name: str
    threats: tuple[str, ...]
    knowledge: Knowledge
    targeted: bool
    cost: str
    paper: str
    control: bool = False
    any_criterion: bool = False


class Attack(ABC):
    """An attack. Subclasses are frozen dataclasses whose fields are the attack's parameters."""

    info: ClassVar[AttackInfo]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.info.name

    @property
    def knowledge(self) -> Knowledge:
        """What it must see of the model, with the parameters it has."""
        return self.info.knowledge

    def check(self, threat: Threat) -> None:
        """Raise `UsageError` if the attack, with the parameters it has, cannot answer a threat of a kind that it names."""
        return

    def remark(self, num_classes: int) -> str | None:
        """What the user should know of the attack on a model with so many classes, in one sentence; usually nothing."""
        return None

    def check_queries(self, threat: Threat, draws: int) -> None:
        """Raise `UsageError` if the threat's queries of a model with so many draws do not suffice for this attack."""
        return

    @property
    def least_draws(self) -> int:
        """The draws that a randomised model is asked with, if it has not more of its own."""
        return 1

    @final
    def __call__(
        self,
        model: Model,
        x: Tensor,
        y: Any,
        threat: Threat,
        *,
        targets: Any = None,
        sample_ids: Tensor | None = None,
        seed: int = 0,
    ) -> AttackResult:
        """Attack every sample.

        Parameters
        ----------
        model
            The model; it is as before afterwards.
        x
            Images ``(N, C, H, W)`` within the model's bounds.
        y
            What is true of them, as the model's criterion understands it: of a classifier labels ``(N,)``.
        threat
            What the attacker may do.
        targets
            What is wanted of each sample, for targeted threats: of a classifier another class ``(N,)``.
        sample_ids
            What the random numbers of each sample depend on; its position if None.
        seed
            The user's seed.

        Raises
        ------
        UsageError
            If the threat is not one this attack answers, the model does not give what it needs, or images and labels are
            invalid.
        """
        samples = prepare(self, model, x, y, threat, targets, sample_ids)
        result = self.run(model.with_draws(self.least_draws), samples, threat, seed)
        if not isinstance(result, AttackResult):
            raise AttackError(f"run of attack {self.name!r} returned a {type(result).__name__}: expected an AttackResult")
        return result

    @abstractmethod
    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """Attack samples that are checked and on the model's device; see `__call__`.

        A success must be one that `robustkit.engine.verification.verify` confirmed.
        """


def boxed(model: Model, x: Tensor) -> Tensor:
    """Images with every pixel inside the model's bounds: what rounding left outside is put on them.

    Once, before anything is measured: a projection would do so later, and each such pixel would count as changed.

    Raises
    ------
    UsageError
        If pixels are farther outside than rounding explains.
    """
    model.check_images(x)
    return x.detach().clamp(*model.bounds)


def prepare(
    attack: Attack, model: Model, x: Tensor, y: Any, threat: Threat, targets: Any, sample_ids: Tensor | None
) -> Samples:
    """Check what the user gave and bring it to the model's device; half-precision images become float32.

    Arrays and lists of numbers become tensors.

    Raises
    ------
    UsageError
        If anything does not fit, in one sentence that says what would.
    """
    if not isinstance(model, Model):
        raise UsageError(f"the model is a {type(model).__name__}: give a robustkit.Model, such as rk.Model(net)")
    if not isinstance(threat, Threat):
        raise UsageError(f"threat {brief(threat)} is a {type(threat).__name__}: give one such as rk.Threat.parse('linf:8/255')")
    x = boxed(model, as_tensor(x, "images"))
    sample_ids = None if sample_ids is None else as_tensor(sample_ids, "sample_ids")
    check_criterion(attack, model)
    samples = model.criterion.checked(Samples(x, y, torch.arange(len(x)), targets), model.bounds)
    check_threat(attack, threat, model.draws)
    check_model_gives(attack, model)
    threat.check((x.shape[1], x.shape[2], x.shape[3]), model.bounds)
    if threat.targeted and targets is None:
        raise UsageError(f"threat {threat.id!r} is targeted: give targets=, the class wanted for each sample")
    if targets is not None and not threat.targeted:
        raise UsageError(f"targets were given, but threat {threat.id!r} is untargeted: write '{threat.id},targeted'")
    if sample_ids is not None:
        if sample_ids.shape != (len(x),) or sample_ids.is_floating_point() or sample_ids.is_complex():
            raise UsageError(
                f"sample_ids have shape {tuple(sample_ids.shape)} and type {sample_ids.dtype}; expected one integer for each of "
                f"{len(x)} samples"
            )
        samples = replace(samples, ids=sample_ids.to(torch.int64))
    images = x.detach().to(torch.promote_types(x.dtype, torch.float32))
    return replace(samples, x=images).to(model.device)


def check_criterion(attack: Attack, model: Model) -> None:
    """Raise `UsageError` if an attack reads logits of classes, and the model's outputs are something else."""
    if not attack.info.any_criterion and not isinstance(model.criterion, Classification):
        raise UsageError(
            f"attack {attack.name!r} reads the logits of a classifier, but {model.name} is judged by {model.criterion.name}: use an "
            "attack that works with any criterion, such as pgd, apgd-margin, fmn or square"
        )


#: What an attacker with some knowledge may run: who sees gradients sees everything, and a surrogate is everybody's.
ADMITS: dict[Knowledge, tuple[Knowledge, ...]] = {
    "white-box": ("white-box", "score", "decision", "transfer"),
    "score": ("score", "decision", "transfer"),
    "decision": ("decision", "transfer"),
    "transfer": ("transfer",),
}


def check_threat(attack: Attack, threat: Threat, draws: int = 1) -> None:
    """Raise `UsageError` if an attack cannot answer a threat, on a model that is asked with so many draws."""
    kind = threat.norm if isinstance(threat, NormThreat) else threat.kind
    if kind not in attack.info.threats:
        raise UsageError(
            f"attack {attack.name!r} does not answer {kind} threats such as {threat.id!r}; it answers "
            f"{', '.join(attack.info.threats)}"
        )
    if threat.targeted and not attack.info.targeted:
        raise UsageError(f"attack {attack.name!r} has no targeted mode, but threat {threat.id!r} is targeted")
    if attack.knowledge not in ADMITS[threat.knowledge]:
        raise UsageError(
            f"attack {attack.name!r} needs {attack.knowledge} knowledge, but threat {threat.id!r} grants {threat.knowledge} only: "
            f"use an attack that needs {' or '.join(ADMITS[threat.knowledge])}"
        )
    attack.check(threat)
    attack.check_queries(threat, draws)


def check_model_gives(attack: Attack, model: Model) -> None:
    """Raise `UsageError` if an attack needs more of the model than it gives."""
    if attack.knowledge not in ADMITS[model.knowledge]:
        raise UsageError(
            f"attack {attack.name!r} needs {attack.knowledge} knowledge, but {model.name} gives {model.knowledge} only: use an "
            f"attack that needs {' or '.join(ADMITS[model.knowledge])}, such as square for scores or hopskipjump for decisions"
        )
