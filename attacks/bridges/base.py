"""What the bridges share: another library's attack under robustkit's threat, verification and metering."""

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

#: Norms of attacks that bound none themselves: their images are judged in whatever norm the threat is stated in.
ANY = ("linf", "l2", "l1", "l0")

#: Step sizes in the unit of eps. Where the user gives none, they keep the library's own proportion to eps.
STEP_SIZES = ("eps_step", "alpha")


@dataclass(frozen=True, kw_only=True)
class PeerAttack(Attack):
    """Another library's attack. Its fields are the parameters of the library's class.

    What the threat and the model decide (eps, norm, goal, bounds, number of classes) is filled in under whatever name the
    class has for it. The image it returns is brought into the threat, if it is outside, and judged by a fresh pass. If that
    fails, the image as it was returned is judged too: it may be adversarial at a greater distance, which is what attacks that
    minimise the distance report.

    The library works on whole batches, so a sample's result depends on the batch size and on its neighbours. Passes of a
    batch, and gradients that were not finite, are shared out evenly among its samples; when the attack first succeeded, and
    how many gradients were zero, is not known. Where the library hands back the clean image, it is the best effort.

    Parameters
    ----------
    library
        The library and its version, which belong to what a result depends on.
    """

    library: str = field(init=False, default="")

    peer: ClassVar[type[Any]]
    #: Parameters that are not the user's.
    provided: ClassVar[frozenset[str]]
    #: Whether it has no untargeted mode.
    only_targeted: ClassVar[bool] = False

    @abstractmethod
    def attack_batch(self, task: Task) -> Tensor:
        """What the library makes of a batch, ``(B, C, H, W)`` in [0, 1]."""

    def check(self, threat: Threat) -> None:
        if self.only_targeted and not threat.targeted:
            raise UsageError(f"attack {self.name!r} can only aim at a given class: write '{threat.id},targeted'")

    def create(self, values: dict[str, Any], *args: Any) -> Any:
        """The library's object, from the user's parameters and those of `values` that its constructor has a name for.

        Raises
        ------
        UsageError
            If the library refuses a value, in its own words.
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
        # A library may have set the random state: the verdict has draws of its own.
        with model.frozen(pass_seed(seed, f"{self.name}/verdict")), torch.no_grad():
            return _judge(model, samples, threat, returned, rows, clean, status, forwards, backwards, broken)

    def _search(
        self, model: Model, samples: Samples, rows: Tensor, threat: NormThreat, num_classes: int, seed: int
    ) -> tuple[Tensor, ...]:
        """What the library returns of some samples, the passes each cost, and its gradients that were not finite."""
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
            # What the library left as it was stays exact in the user's bounds and type; a pixel that is no number too.
            kept = (found == unit) | ~found.isfinite()
            back = torch.where(kept, x, low + span * found.clamp(0, 1).to(x.dtype)).clamp(low, high)
            broken = share(int(task.network.broken), x)
            return back, share(model.forwards - before[0], x), share(model.backwards - before[1], x), broken

        return model.in_chunks(part, rows, like=samples.x)

    def _too_many(self, threat: Threat) -> str:
        return (
            f"attack {self.name!r} asks more than the queries={threat.queries} a sample of threat {threat.id!r}: "
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
    """Verify what a library returned: first inside the threat, then as it is."""
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
    """The plugin that a library's class is, with the class's parameters as fields."""
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
