"""Base class of the bridges: another library's attack with robustkit's threat, verification and pass counts."""

from __future__ import annotations

import inspect
import re
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.bridges.task import Metered, Task, share
from robustkit.bridge import documentation, parameters
from robustkit.plugin import (
    Answer,
    Attack,
    AttackInfo,
    AttackResult,
    Knowledge,
    Model,
    NormThreat,
    Samples,
    Status,
    Threat,
    UsageError,
    ask,
    per_sample,
    verify,
)
from robustkit.rng import pass_seed

#: Norms of attacks without a norm of their own: their images are evaluated in the norm of the threat.
ANY = ("linf", "l2", "l1", "l0")

#: Step sizes in the unit of eps. By default, they keep the library's ratio to eps.
STEP_SIZES = ("eps_step", "alpha")


@dataclass(frozen=True, kw_only=True)
class PeerAttack(Attack):
    """An attack of another library. Its fields are the parameters of the library's class.

    Parameters given by the threat and the model (eps, norm, goal, bounds, number of classes) are filled in under the names that
    the class uses. A returned image outside the threat is projected into it, and a fresh pass verifies it. If it is not
    adversarial, the unprojected image is verified too: it may be adversarial at a larger distance, which is the result of
    attacks that minimise the distance.

    The library works on whole batches, so a sample's result depends on the batch size and on the other samples. The passes of a
    batch, and its non-finite gradients, are divided evenly among its samples; the step of the first success and the number of
    zero gradients are unknown. If the library returns the clean image, that is the best effort.

    Parameters
    ----------
    library
        The library and its version, on which results depend.
    """

    library: str = field(init=False, default="")

    peer: ClassVar[type[Any]]
    #: Parameters that the user cannot set.
    provided: ClassVar[frozenset[str]]
    #: Whether the attack has no untargeted mode.
    only_targeted: ClassVar[bool] = False

    @abstractmethod
    def attack_batch(self, task: Task) -> Tensor:
        """The images that the library returns for a batch, ``(B, C, H, W)`` in [0, 1]."""

    def check(self, threat: Threat) -> None:
        if self.only_targeted and not threat.targeted:
            raise UsageError(f"attack {self.name!r} needs a targeted threat: write '{threat.id},targeted'")

    def create(self, values: dict[str, Any], *args: Any) -> Any:
        """Create the library's object from the user's parameters and those of `values` that its constructor accepts.

        Raises
        ------
        UsageError
            If the library rejects a value, with the library's message.
        """
        takes = inspect.signature(self.peer).parameters
        chosen = {each.name: getattr(self, each.name) for each in fields(self) if each.init}
        chosen |= {name: value for name, value in values.items() if name in takes}
        for name in STEP_SIZES:
            if name in takes and chosen[name] is None:
                chosen[name] = values["eps"] * takes[name].default / takes["eps"].default
        try:
            return self.peer(*args, **chosen)
        except (TypeError, ValueError, AssertionError, NotImplementedError) as error:
            raise UsageError(f"attack {self.name!r}: {error}") from error

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        assert isinstance(threat, NormThreat)
        with model.frozen(seed):
            clean = ask(model, samples.x, samples, clearly=True, clean=True)
            forwards = torch.full_like(samples.y, model.draws)
            backwards, broken = torch.zeros_like(forwards), torch.zeros_like(forwards)
            status = torch.full_like(forwards, int(Status.FAILED))
            status[clean.success] = int(Status.MISCLASSIFIED)
            status[~clean.finite] = int(Status.ERROR)
            rows = (status == Status.FAILED).nonzero().squeeze(1)
            returned = samples.x.clone()
            if len(rows):
                found = self._search(model, samples, rows, threat, clean.columns.shape[1], seed)
                returned[rows], forwards_, backwards[rows], broken[rows] = found
                forwards[rows] += forwards_
        # The library may have set the random state, so verification uses its own draws.
        with model.frozen(pass_seed(seed, f"{self.name}/verdict")), torch.no_grad():
            return _judge(model, samples, threat, returned, rows, clean, status, forwards, backwards, broken)

    def _search(
        self, model: Model, samples: Samples, rows: Tensor, threat: NormThreat, num_classes: int, seed: int
    ) -> tuple[Tensor, ...]:
        """The images that the library returns for some samples, and per sample the passes and the non-finite gradients."""
        low, high = model.bounds
        span = high - low

        def part(index: Tensor) -> tuple[Tensor, ...]:
            x = samples.x[index]
            unit = ((x - low) / span).float().clamp(0, 1)
            before = model.forwards, model.backwards
            spare = None if threat.queries is None else threat.queries - 3 * model.draws  # the clean pass and two verifications
            task = Task(
                network=Metered(model, None if spare is None else before[0] + spare * len(x), self._too_many(threat)).eval(),
                x=unit,
                y=samples.y[index],
                targets=None if samples.targets is None else samples.targets[index],
                norm=threat.norm,
                eps=threat.eps if threat.norm == "l0" else threat.eps / span,
                num_classes=num_classes,
                seed=seed % 2**31,
            )
            try:
                with torch.enable_grad():
                    found = self.attack_batch(task).detach().to(unit)
            except ModuleNotFoundError as error:
                raise UsageError(f"attack {self.name!r} needs the package {error.name}, which is not installed") from error
            # Unchanged and non-finite pixels keep their exact original values, in the user's bounds and dtype.
            kept = (found == unit) | ~found.isfinite()
            back = torch.where(kept, x, low + span * found.clamp(0, 1).to(x.dtype)).clamp(low, high)
            broken = share(int(task.network.broken), x)
            return back, share(model.forwards - before[0], x), share(model.backwards - before[1], x), broken

        return model.in_chunks(part, rows, like=samples.x)

    def _too_many(self, threat: Threat) -> str:
        return (
            f"attack {self.name!r} needs more than the queries={threat.queries} per sample of threat {threat.id!r}: "
            "lower its steps, or raise queries="
        )


def _judge(
    model: Model,
    samples: Samples,
    threat: NormThreat,
    returned: Tensor,
    rows: Tensor,
    clean: Answer,
    status: Tensor,
    forwards: Tensor,
    backwards: Tensor,
    broken: Tensor,
) -> AttackResult:
    """Verify the images that a library returned: first projected into the threat, then unchanged."""
    x, bounds = samples.x, model.bounds
    inside = threat.contains(x, returned, bounds)
    x_adv = torch.where(per_sample(inside, x), returned, threat.project(x, returned, bounds))
    columns, success, finite = clean.columns.clone(), torch.zeros_like(inside), clean.finite
    if len(rows):
        verdict = verify(model, samples.rows(rows), threat, x_adv[rows])
        columns[rows], success[rows], finite[rows] = verdict.answer.columns, verdict.success, verdict.answer.finite
        forwards[rows] += model.draws
    searched = status == Status.FAILED
    status[success] = int(Status.FOUND)
    status[searched & ~finite] = int(Status.ERROR)
    nearest, distance = x_adv.clone(), threat.distance(x, x_adv)
    nearest_distance = torch.where(success, distance, torch.inf)
    nearest_distance[status == Status.MISCLASSIFIED] = 0
    beyond = ((status == Status.FAILED) & ~inside).nonzero().squeeze(1)
    if len(beyond):
        again = ask(model, returned[beyond], samples.rows(beyond))
        forwards[beyond] += model.draws
        adversarial = again.finite & again.success
        nearest[beyond[adversarial]] = returned[beyond[adversarial]]
        nearest_distance[beyond[adversarial]] = threat.distance(x, returned)[beyond[adversarial]]
    return AttackResult(
        x_adv=x_adv,
        success=success,
        distance=distance,
        forwards=forwards,
        backwards=backwards,
        first_success_step=torch.where(success, forwards - 2 * model.draws, -1),
        status=status,
        reported=success.clone(),
        logits=columns,
        zero_gradients=broken,
        nearest=nearest,
        nearest_distance=nearest_distance,
    )


def adapt(
    base: type[PeerAttack],
    name: str,
    peer: type[Any],
    library: str,
    *,
    norms: Iterable[str],
    knowledge: Knowledge,
    targeted: bool,
    only_targeted: bool = False,
) -> type[PeerAttack]:
    """The plugin for a library's class, with the class's parameters as fields."""
    chosen = []
    for parameter in parameters(peer, base.provided):
        scaled = parameter[0] in STEP_SIZES and "eps" in inspect.signature(peer).parameters
        chosen.append((parameter[0], float | None, field(default=None)) if scaled else parameter)
    words = documentation(peer)
    paper = re.search(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})", words + (inspect.getdoc(inspect.getmodule(peer)) or ""))
    info = AttackInfo(
        name=name,
        threats=tuple(norms),
        knowledge=knowledge,
        targeted=targeted,
        cost="measured",
        paper=f"arXiv {paper[1]}" if paper else "",
    )
    made: type[PeerAttack] = make_dataclass(
        peer.__name__,
        [*chosen, ("library", str, field(init=False, default=library))],
        bases=(base,),
        namespace={
            "info": info,
            "peer": peer,
            "only_targeted": only_targeted,
            "__doc__": words,
            "__module__": base.__module__,
        },
        frozen=True,
        kw_only=True,
    )
    return made
