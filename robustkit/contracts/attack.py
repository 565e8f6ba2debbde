"""The contract of an attack: `run` is implemented by plugins, `__call__` checks its inputs."""

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
    """Metadata of an attack.

    Parameters
    ----------
    name
        The name used in the literature, which also seeds its random numbers.
    threats
        The kinds of threats it supports: ``linf``, ``l2``, ``l1``, ``l0``, ``patch``.
    knowledge
        The knowledge of the model it needs.
    targeted
        Whether it has a targeted mode.
    cost
        Passes per survivor, in words with the parameters' names.
    paper
        Title and arXiv number.
    control
        Whether it is a baseline, such as random noise, that is no evidence of robustness on its own.
    any_criterion
        Whether it uses only success, margin and loss, and so works with any outputs; otherwise it needs a classifier's logits.
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
        """Its name in messages."""
        return self.info.name

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge of the model it needs with its current parameters."""
        return self.info.knowledge

    def check(self, threat: Threat) -> None:
        """Raise `UsageError` if the attack's parameters do not fit this threat, whose kind it supports."""
        return

    def remark(self, num_classes: int) -> str | None:
        """One sentence of advice on using the attack on a model with this many classes; usually None."""
        return None

    def check_queries(self, threat: Threat, draws: int) -> None:
        """Raise `UsageError` if the threat's query budget is too small for this attack on a model with this many draws."""
        return

    @property
    def least_draws(self) -> int:
        """The minimum number of draws per query of a randomised model."""
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
            The model, which is left unchanged.
        x
            Images ``(N, C, H, W)`` within the model's bounds.
        y
            Ground truth in the form that the model's criterion expects: labels ``(N,)`` for a classifier.
        threat
            The threat model.
        targets
            For targeted threats, in the form of `y`: a class ``(N,)`` other than the label for a classifier.
        sample_ids
            ``(N,)`` integers that determine each sample's random numbers; None for the positions.
        seed
            The user's seed.

        Raises
        ------
        UsageError
            If the attack does not support the threat, needs more knowledge than the model gives, or images and labels
            are invalid.
        """
        samples = prepare(self, model, x, y, threat, targets, sample_ids)
        result = self.run(model.with_draws(self.least_draws), samples, threat, seed)
        if not isinstance(result, AttackResult):
            raise AttackError(f"run of attack {self.name!r} returned a {type(result).__name__}: expected an AttackResult")
        return result

    @abstractmethod
    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """Attack samples that are already checked and on the model's device; see `__call__`.

        Successes must be confirmed by `robustkit.engine.verification.verify`.
        """


def boxed(model: Model, x: Tensor) -> Tensor:
    """The images, with pixels that rounding left outside the model's bounds clamped to them.

    Done before anything is measured: if a projection did it later, each such pixel would count as changed.

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
    """The user's inputs as checked samples on the model's device; half-precision images become float32.

    Arrays and lists of numbers become tensors.

    Raises
    ------
    UsageError
        If an input is invalid; one sentence that says what is expected.
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
        raise UsageError(f"threat {threat.id!r} is targeted: give targets=, the target class of each sample")
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
    """Raise `UsageError` if an attack needs class logits, but the model's outputs are something else."""
    if not attack.info.any_criterion and not isinstance(model.criterion, Classification):
        raise UsageError(
            f"attack {attack.name!r} needs the logits of a classifier, but the criterion of {model.name} is {model.criterion.name}: "
            "use an attack that works with any criterion, such as pgd, apgd-margin, fmn or square"
        )


#: The kinds of attacks that an attacker with a given knowledge may run: transfer attacks query only a surrogate.
ADMITS: dict[Knowledge, tuple[Knowledge, ...]] = {
    "white-box": ("white-box", "score", "decision", "transfer"),
    "score": ("score", "decision", "transfer"),
    "decision": ("decision", "transfer"),
    "transfer": ("transfer",),
}


def check_threat(attack: Attack, threat: Threat, draws: int = 1) -> None:
    """Raise `UsageError` if an attack does not support a threat, on a model with this many draws per query."""
    kind = threat.norm if isinstance(threat, NormThreat) else threat.kind
    if kind not in attack.info.threats:
        raise UsageError(
            f"attack {attack.name!r} does not support {kind} threats such as {threat.id!r}; it supports "
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
    """Raise `UsageError` if an attack needs more knowledge of the model than it gives."""
    if attack.knowledge not in ADMITS[model.knowledge]:
        raise UsageError(
            f"attack {attack.name!r} needs {attack.knowledge} knowledge, but {model.name} gives {model.knowledge} only: use an "
            f"attack that needs {' or '.join(ADMITS[model.knowledge])}, such as square for scores or hopskipjump for decisions"
        )
