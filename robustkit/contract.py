"""The contract of an attack: what anyone can implement in one function, and what it must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.arrays import as_tensor
from robustkit.errors import UsageError, brief
from robustkit.losses import margin
from robustkit.model import Model
from robustkit.threats import Knowledge, NormThreat, Threat


class Status(IntEnum):
    """How the search for one sample ended."""

    FAILED = 0  #: searched, nothing found: `x_adv` is the best effort
    FOUND = 1  #: a verified adversarial image inside the threat
    MISCLASSIFIED = 2  #: the clean image is already wrong, so it was not attacked
    UNCONFIRMED = 3  #: the search reported success that the final pass did not confirm
    ERROR = 4  #: the model or the attack failed on this sample: neither robust nor successfully attacked


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
    """

    name: str
    threats: tuple[str, ...]
    knowledge: Knowledge
    targeted: bool
    cost: str
    paper: str
    control: bool = False


@dataclass(kw_only=True)
class AttackResult:
    """What an attack found, one row a sample.

    Parameters
    ----------
    x_adv
        ``(N, C, H, W)``: the adversarial image; the best effort where none was found; the clean image where that was
        already misclassified.
    success
        Bool ``(N,)``: a correctly classified image was turned, verified by a fresh pass in full precision.
    distance
        ``(N,)`` in the threat's unit.
    forwards, backwards
        ``(N,)``: passes each sample cost, the clean one and the verification included.
    first_success_step
        ``(N,)``: the query, counted from 0, that first succeeded; -1 for none.
    status
        ``(N,)`` values of `Status`.
    reported
        Bool ``(N,)``: what the search claimed before verification.
    logits
        ``(N, K)`` of `x_adv`.
    zero_gradients
        ``(N,)``: backward passes whose gradient vanished (no element as great as 1e-12) or was not finite in some element, a
        sign of masking. Of a universal attack: 1 where most gradients of its fit were so.
    nearest
        ``(N, C, H, W)``: the nearest verified adversarial image, whatever its distance, where an attack looks for it;
        elsewhere `x_adv`.
    nearest_distance
        ``(N,)``: its distance in the threat's unit, an upper bound of the minimal perturbation: 0 where the clean image was
        misclassified, infinite where no adversarial image is known.
    witness
        ``(N, P)``: under a threat whose images are rendered, what `x_adv` was rendered from (`Threat.contains`); without it
        no image of such a threat is verified.
    """

    x_adv: Tensor
    success: Tensor
    distance: Tensor
    forwards: Tensor
    backwards: Tensor
    first_success_step: Tensor
    status: Tensor
    reported: Tensor
    logits: Tensor
    zero_gradients: Tensor
    nearest: Tensor = None  # type: ignore[assignment]
    nearest_distance: Tensor = None  # type: ignore[assignment]
    witness: Tensor | None = None

    def __post_init__(self) -> None:
        if self.nearest is None:
            self.nearest = self.x_adv
        if self.nearest_distance is None:
            found = torch.where(self.success, self.distance, torch.inf)
            self.nearest_distance = torch.where(self.status == Status.MISCLASSIFIED, 0, found)

    @staticmethod
    def join(parts: Sequence[AttackResult], order: Tensor) -> AttackResult:
        """The rows of several results, of which `order` takes row i of the whole to place i."""

        def rows(name: str) -> Tensor | None:
            columns = [getattr(part, name) for part in parts]
            if any(column is None for column in columns):
                return None
            whole = torch.cat(columns)
            return whole[order.to(whole.device)]

        return AttackResult(**{f.name: rows(f.name) for f in fields(AttackResult)})  # type: ignore[arg-type]

    @property
    def robust(self) -> Tensor:
        """Bool ``(N,)``: correctly classified and not successfully attacked. A misclassified or failed sample is not robust."""
        return (self.status == Status.FAILED) | (self.status == Status.UNCONFIRMED)


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

    @abstractmethod
    def __call__(
        self,
        model: Model,
        x: Tensor,
        y: Tensor,
        threat: Threat,
        *,
        targets: Tensor | None = None,
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
            True labels ``(N,)``.
        threat
            What the attacker may do.
        targets
            The wanted class of each sample, for targeted threats.
        sample_ids
            What the random numbers of each sample depend on; its position if None.
        seed
            The user's seed.

        Raises
        ------
        UsageError
            If the threat is not one this attack answers, or images and labels cannot be meant.
        """


@dataclass(frozen=True)
class Prepared:
    """Images, labels and ids on the model's device, checked."""

    x: Tensor
    y: Tensor
    targets: Tensor | None
    sample_ids: Tensor


def boxed(model: Model, x: Tensor, y: Tensor | None = None) -> Tensor:
    """Images with every pixel inside the model's bounds: what rounding left outside is put on them.

    Once, before anything is measured: a projection would do so later, and each such pixel would count as changed.

    Raises
    ------
    UsageError
        If pixels are farther outside than rounding explains, or the labels do not fit the images.
    """
    model.check_images(x, y)
    return x.detach().clamp(*model.bounds)


def prepare(
    attack: Attack, model: Model, x: Tensor, y: Tensor, threat: Threat, targets: Tensor | None, sample_ids: Tensor | None
) -> Prepared:
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
    x, y = as_tensor(x, "images"), as_tensor(y, "labels")
    targets = None if targets is None else as_tensor(targets, "targets")
    sample_ids = None if sample_ids is None else as_tensor(sample_ids, "sample_ids")
    x = boxed(model, x, y)
    check_threat(attack, threat)
    check_model_gives(attack, model)
    threat.check((x.shape[1], x.shape[2], x.shape[3]), model.bounds)
    if threat.targeted and targets is None:
        raise UsageError(f"threat {threat.id!r} is targeted: give targets=, the class wanted for each sample")
    if targets is not None and not threat.targeted:
        raise UsageError(f"targets were given, but threat {threat.id!r} is untargeted: write '{threat.id},targeted'")
    if targets is not None and (
        targets.shape != y.shape or not _whole(targets) or bool((targets == y.to(targets.device)).any())
    ):
        raise UsageError("targets must be one class a sample, an integer, and another than its label")
    if sample_ids is not None and (sample_ids.shape != y.shape or not _whole(sample_ids)):
        raise UsageError(
            f"sample_ids have shape {tuple(sample_ids.shape)} and type {sample_ids.dtype}; expected one integer for each of {len(y)} "
            "samples"
        )
    ids = torch.arange(len(x)) if sample_ids is None else sample_ids
    return Prepared(
        x=x.detach().to(model.device, torch.promote_types(x.dtype, torch.float32)),
        y=y.detach().to(model.device, torch.int64),
        targets=None if targets is None else targets.detach().to(model.device, torch.int64),
        sample_ids=ids.to(model.device, torch.int64),
    )


def _whole(values: Tensor) -> bool:
    return not (values.is_floating_point() or values.is_complex())


#: What an attacker with some knowledge may run: who sees gradients sees everything, and a surrogate is everybody's.
ADMITS: dict[Knowledge, tuple[Knowledge, ...]] = {
    "white-box": ("white-box", "score", "decision", "transfer"),
    "score": ("score", "decision", "transfer"),
    "decision": ("decision", "transfer"),
    "transfer": ("transfer",),
}


def check_threat(attack: Attack, threat: Threat) -> None:
    """Raise `UsageError` if an attack cannot answer a threat."""
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


def check_model_gives(attack: Attack, model: Model) -> None:
    """Raise `UsageError` if an attack needs more of the model than it gives."""
    if attack.knowledge not in ADMITS[model.knowledge]:
        raise UsageError(
            f"attack {attack.name!r} needs {attack.knowledge} knowledge, but {model.name} gives {model.knowledge} only: use an "
            f"attack that needs {' or '.join(ADMITS[model.knowledge])}, such as square for scores or hopskipjump for decisions"
        )


def ask(
    model: Model, x: Tensor, y: Tensor, targets: Tensor | None, draws: int = 1, *, clearly: bool = False
) -> tuple[Tensor, Tensor]:
    """Ask the model about images, several times over if it is randomised: `draws` times, or the model's own `draws` if more.

    Inside `Model.frozen` the draws follow those before; elsewhere they begin at the caller's random state, which stays.

    Parameters
    ----------
    clearly
        Count as adversarial only what nearly every repetition of the question would call so: three standard errors more votes
        than half, or all. Otherwise a sample at the edge would not be attacked, or its search would end. With one draw it
        changes nothing.

    Returns
    -------
    The mean of the logits, ``(B, K)``, not finite where one draw is not, and whether most draws are adversarial, bool ``(B,)``.
    """
    logits, votes, draws = poll(model, x, lambda answer: is_adversarial(answer, y, targets).long(), draws)
    lead = min(3 * draws**0.5, draws - 1) if clearly else 0
    return logits, 2 * votes > draws + lead


def predict(model: Model, x: Tensor, y: Tensor, targets: Tensor | None = None, draws: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """As `ask`, with the predicted class ``(B,)`` before the verdict: of several draws the most frequent that agrees with it."""

    def ballot(answer: Tensor) -> Tensor:
        return torch.zeros_like(answer).scatter_(1, answer.argmax(1, keepdim=True), 1)

    logits, counts, draws = poll(model, x, ballot, draws)
    aim = (y if targets is None else targets)[:, None]
    votes = 2 * counts.gather(1, aim)
    reached = votes > draws if targets is not None else votes >= draws
    prediction = counts.scatter(1, aim, torch.where(reached, torch.inf, -torch.inf).to(counts)).argmax(1)
    return logits, prediction, reached[:, 0] if targets is not None else ~reached[:, 0]


def poll(model: Model, x: Tensor, vote: Callable[[Tensor], Tensor], draws: int) -> tuple[Tensor, Tensor, int]:
    """The mean logits of several draws, the sum of what each votes for, and how many there were: at least the model's own."""
    draws = max(draws, model.draws)
    with nullcontext() if draws == 1 else model.frozen():
        logits = model.logits(x)
        votes = vote(logits)
        for _ in range(draws - 1):
            more = model.logits(x)
            votes = votes + vote(more)
            logits = logits + more
    return logits if draws == 1 else logits / draws, votes, draws


def is_adversarial(logits: Tensor, y: Tensor, targets: Tensor | None) -> Tensor:
    """Whether the prediction is what the attacker wants: the target, or any class but the label. Bool ``(B,)``."""
    prediction = logits.argmax(1)
    return prediction == targets if targets is not None else prediction != y


def adversarial_margin(logits: Tensor, y: Tensor, targets: Tensor | None) -> Tensor:
    """How far the attacker leads: of the target over the rest, or of the best other class over the label. ``(B,)``."""
    return margin(logits, targets) if targets is not None else -margin(logits, y)


def least_lead(logits: Tensor) -> Tensor:
    """The lead that a class needs, ``(B,)``, for the prediction not to hang on how the pass was rounded: 64 roundings."""
    return 64 * torch.finfo(logits.dtype).eps * logits.abs().amax(1)
