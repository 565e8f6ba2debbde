"""Conformance checks of attacks, which run on small networks in seconds.

The networks compute in float64 and treat each image separately, so that rounding does not depend on the batch and results can
be compared bit for bit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult, Status
from robustkit.errors import UsageError, what_happened
from robustkit.iterative import IterativeAttack
from robustkit.projections import Bounds
from robustkit.registry import find
from robustkit.spec import InputSpec
from robustkit.threats import RenderedThreat, Threat
from robustkit.torch_model import TorchModel
from robustkit.universal import UniversalAttack


@dataclass(frozen=True)
class Finding:
    """A failed check.

    Parameters
    ----------
    check
        The name of the check.
    case
        The case in which it failed, such as threat, number of classes and floating-point type.
    message
        The reason.
    """

    check: str
    case: str
    message: str

    def __str__(self) -> str:
        return f"{self.check} [{self.case}]: {self.message}"


class Network(nn.Module):
    """A small convolutional network in training mode that counts its images; the call number `fails_at` crashes."""

    calls: Tensor

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.first = nn.Conv2d(channels, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Conv2d(4, classes, (height, width))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.forwards = self.backwards = self.batches = 0
        self.fails_at: int | None = None
        numbers = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(0, parameter[0].numel() ** -0.5, generator=numbers)
            # A constant image favours no class, so that predictions differ between images and can be changed.
            self.last.weight -= self.last.weight.mean(dim=(1, 2, 3), keepdim=True)
            nn.init.zeros_(self.get_parameter("last.bias"))
        self.double()
        self.norm.eval()
        self.get_parameter("first.bias").requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        self.forwards += len(x)
        self.batches += 1
        if self.batches == self.fails_at:
            raise RuntimeError("the network crashed")
        self.calls = self.calls + 1
        torch.rand(())
        np.random.rand()  # noqa: NPY002
        random.random()
        if x.requires_grad:
            x = x.view_as(x)
            x.register_hook(self._backward)  # type: ignore[no-untyped-call]
        logits: Tensor = self.last(self.norm(self.first(x)).relu())
        return logits.flatten(1)

    def _backward(self, grad: Tensor) -> None:
        self.backwards += len(grad)


@dataclass(frozen=True)
class Case:
    """A setting for checking an attack: ten images, of which the first is misclassified."""

    attack: Attack
    threat: Threat
    classes: int
    dtype: torch.dtype

    def __str__(self) -> str:
        return f"{self.threat.id}, {self.classes} classes, {str(self.dtype).removeprefix('torch.')}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width, not square."""
        return self.threat.example_shape or ((1, 5, 6) if self.classes == 2 else (3, 6, 5))

    def images(self) -> Tensor:
        """Random images, including a black and a white one, and pixels exactly at the bounds."""
        x = torch.rand((10, *self.shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        x = ((x - 0.2) / 0.6).clamp(0, 1)
        x[1], x[2] = 0, 1
        return x.to(self.dtype)

    def network(self) -> Network:
        return Network(self.shape, self.classes)

    def model(self, network: Network | None = None, batch_size: int | None = None) -> Model:
        spec = InputSpec(channels=self.shape[0])
        return TorchModel(network or self.network(), spec=spec, device="cpu", batch_size=batch_size)

    @cached_property
    def result(self) -> AttackResult:
        """The result of the attack in one batch with seed 0."""
        return self.run()

    @cached_property
    def labels(self) -> Tensor:
        """The network's predictions, changed for the first image."""
        y = self.model().logits(self.images()).argmax(1)
        y[0] = (y[0] + 1) % self.classes
        return y

    def run(self, model: Model | None = None, *, order: Tensor | None = None, seed: int = 0) -> AttackResult:
        """The result of the attack on the images, or on some of them in another order."""
        x, y = self.images(), self.labels
        order = torch.arange(len(x)) if order is None else order
        targets = (y + 1) % self.classes if self.threat.targeted else None
        return self.attack(
            model or self.model(),
            x[order],
            y[order],
            self.threat,
            targets=None if targets is None else targets[order],
            sample_ids=order,
            seed=seed,
        )


def check_attack(
    attack: Attack,
    *,
    classes: tuple[int, ...] = (2, 3, 10),
    dtypes: tuple[torch.dtype, ...] = (torch.float16, torch.float32, torch.float64),
) -> list[Finding]:
    """The findings of all checks of an attack under every kind of threat it supports.

    Parameters
    ----------
    attack
        The attack. An iterative one is limited to a few steps.
    classes
        Numbers of classes to check with.
    dtypes
        Floating-point types of the images.

    Returns
    -------
    Failed checks; empty if the attack satisfies the contract. A threat that no case can exercise is a finding too.
    """
    if not isinstance(getattr(attack, "info", None), AttackInfo):
        return [Finding("exercise", type(attack).__name__, "it has no info, which states the threats it supports")]
    found = []
    for kind in attack.info.threats:
        try:
            example(kind)
        except UsageError as error:
            found.append(Finding("exercise", kind, f"no case exercises this kind of threat: {error}"))
    if not attack.info.threats:
        found.append(Finding("exercise", attack.name, "no case exercises an attack that supports no threats"))
    quick = shortened(attack)
    for case in cases(quick, classes, dtypes):
        # The floating-point type of the images only affects the budget.
        for check in CHECKS if case.dtype == dtypes[-1] else (check_result,):
            try:
                message = check(case)
            except (Exception, SystemExit) as error:
                message = what_happened(error)
            if message is not None:
                found.append(Finding(check.__name__.removeprefix("check_").replace("_", " "), str(case), message))
    return found


def shortened(attack: Attack, most: int = 5) -> Attack:
    """The attack with at most `most` steps and small values of other parameters that determine its cost."""
    names = {field.name for field in fields(attack) if field.init}  # type: ignore[arg-type]
    changes = {
        name: limit if getattr(attack, name) is None else min(getattr(attack, name), limit)
        for name, limit in (("steps", most), ("target_classes", 2), ("neighbours", 2), ("fit_images", 8))
        if name in names
    }
    return replace(attack, **changes)  # type: ignore[type-var]


def example(kind: str) -> Threat:
    """The example of a registered kind of threat. Raises `UsageError` if there is none."""
    chosen: type[Threat] = find("threats", kind).load()
    return Threat.parse(chosen.example(kind))


def cases(attack: Attack, classes: tuple[int, ...], dtypes: tuple[torch.dtype, ...]) -> Iterator[Case]:
    """Cases for every threat that has an example: each number of classes, each floating-point type, and one targeted."""
    for kind in attack.info.threats:
        try:
            threat = example(kind)
        except UsageError:
            continue
        for number in classes:
            yield Case(attack, threat, number, dtypes[-1])
        for dtype in dtypes[:-1]:
            yield Case(attack, threat, classes[-1], dtype)
        if attack.info.targeted:
            yield Case(attack, replace(threat, goal="targeted"), classes[-1], dtypes[-1])


def check_result(case: Case) -> str | None:
    """Check that images are within bounds and budget, successes are real, and failures are the best effort."""
    model, x, y = case.model(), case.images(), case.labels
    result = case.result
    x_adv = result.x_adv
    if x_adv.shape != x.shape or len(result.success) != len(x):
        return f"x_adv has shape {tuple(x_adv.shape)} for images of shape {tuple(x.shape)}"
    if not bool(x_adv.isfinite().all()):
        return "x_adv is not finite"
    clean = x.to(x_adv.dtype)
    inside = case.threat.contains(clean, x_adv, model.bounds, result.witness)
    if not bool(inside.all()):
        worst = float(case.threat.distance(clean, x_adv).max())
        return f"{int((~inside).sum())} images are outside bounds or budget (distance up to {worst:.9g})"
    prediction = model.logits(x_adv).argmax(1)
    adversarial = prediction == (y + 1) % case.classes if case.threat.targeted else prediction != y
    correct = model.logits(clean).argmax(1) == y
    if bool((result.success & ~adversarial).any()):
        return "a success was reported for an image that is not adversarial"
    if bool((result.success & ~correct).any()) or not bool((result.status[~correct] == Status.MISCLASSIFIED).all()):
        return "an image that was already misclassified does not have the status MISCLASSIFIED"
    failed = correct & ~result.success
    if bool((failed & adversarial).any()):
        return "an adversarial image was returned as a failure"
    guided = failed & (result.zero_gradients == 0)
    kept = (x_adv == clean).flatten(1).all(1) & ~immovable(case.threat, clean, model.bounds)
    if bool(kept[guided].any()):
        return "a failed attack returned the clean image instead of its best effort"
    if bool((result.success != (result.status == Status.FOUND)).any()):
        return "success and status disagree"
    return None


def immovable(threat: Threat, x: Tensor, bounds: Bounds) -> Tensor:
    """Which images do not change at one end of a transformation's range, such as a white one made brighter. Bool ``(B,)``."""
    if not isinstance(threat, RenderedThreat):
        return ((x <= bounds[0]) | (x >= bounds[1])).flatten(1).all(1)  # a shift may be clipped away as a whole
    ends = (end.expand(len(x), -1) for end in threat.limits(x))
    moves = [(threat.transform(x, end, bounds) - x).abs().flatten(1).amax(1) for end in ends]
    return torch.stack(moves).amin(0) < 1e-6


def check_caller_untouched(case: Case) -> str | None:
    """Check that network, images and global random state are unchanged, even if the network crashes during the attack."""
    for fails_at in (None, 2):
        network = case.network()
        network.fails_at = fails_at
        x, y = case.images(), case.labels
        before, copies = snapshot(network), (x.clone(), y.clone())
        targets = (y + 1) % case.classes if case.threat.targeted else None
        try:
            case.attack(case.model(network), x, y, case.threat, targets=targets)
        except RuntimeError:
            if fails_at is None:
                raise
        when = "" if fails_at is None else " after the network crashed"
        for (what, old), (_, new) in zip(before, snapshot(network), strict=True):
            if not same(old, new):
                return f"{what} changed{when}"
        if not (torch.equal(x, copies[0]) and torch.equal(y, copies[1])):
            return f"the caller's images or labels changed{when}"
    return None


def check_batch_independence(case: Case) -> str | None:
    """Check that results do not depend on the batch size nor, except for universal attacks, on order and neighbours."""
    whole = case.result
    for size in (1, 3):
        if not agree(whole, case.run(case.model(batch_size=size))):
            return f"batch size {size} gives other images than a single batch"
    if not isinstance(case.attack, UniversalAttack):
        order = torch.tensor([9, 3, 0, 5, 2, 7])
        part = case.run(order=order)
        if not torch.equal(part.x_adv, whole.x_adv[order]):
            return "the images found depend on the order of the samples, or on the other samples"
    return None


def check_seed(case: Case) -> str | None:
    """Check that the same seed gives the same images."""
    return None if agree(case.result, case.run()) else "the same seed gives other images the second time"


def check_passes(case: Case) -> str | None:
    """Check that the reported passes are those of the network, and that survivors cost what `cost` states."""
    if isinstance(case.attack, UniversalAttack):
        return None  # the cost of fitting belongs to no sample
    network = case.network()
    result = case.run(case.model(network))
    reported, seen = int(result.forwards.sum()), network.forwards
    if reported != seen:
        return f"{reported} forward passes were reported, but the network counted {seen}"
    reported, seen = int(result.backwards.sum()), network.backwards
    if reported != seen:
        return f"{reported} backward passes were reported, but the network counted {seen}"
    if isinstance(case.attack, IterativeAttack):
        failed = result.status == Status.FAILED
        cost = case.attack.cost(case.threat, case.classes)
        spent = {*zip(result.forwards[failed].tolist(), result.backwards[failed].tolist(), strict=True)}
        too_much = any(f > cost[0] or b > cost[1] for f, b in spent)
        if too_much or (case.attack.exact_cost and case.attack.least_draws == 1 and spent - {cost}):
            return f"cost states {cost} forward and backward passes, but survivors took {sorted(spent)}"
    return None


def check_early_exit(case: Case) -> str | None:
    """Check that a fixed-step search finds the same images as one with early exit."""
    if not isinstance(case.attack, IterativeAttack):
        return None
    fixed = replace(case, attack=replace(case.attack, early_exit=False))
    return None if agree(case.result, fixed.run()) else "without early exit other images are found"


Check = Callable[[Case], str | None]
CHECKS: tuple[Check, ...] = (
    check_result,
    check_caller_untouched,
    check_batch_independence,
    check_seed,
    check_passes,
    check_early_exit,
)


def agree(one: AttackResult, other: AttackResult) -> bool:
    """Whether two results have the same images and statuses, bit for bit."""
    return torch.equal(one.x_adv, other.x_adv) and torch.equal(one.status, other.status)


def snapshot(network: nn.Module) -> list[tuple[str, Any]]:
    """All state of a network and of the process that an attack must not change, by name."""
    state: list[tuple[str, Any]] = [(f"the tensor {key}", value.clone()) for key, value in network.state_dict().items()]
    for name, module in network.named_modules():
        state.append((f"the mode of {name or 'the network'}", module.training))
        hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
        state.append((f"the hooks of {name or 'the network'}", [list(kind) for kind in hooks]))
    for name, parameter in network.named_parameters():
        state.append((f"requires_grad of {name}", parameter.requires_grad))
        state.append((f"the gradient of {name}", parameter.grad is None))
    state.append(("torch's random state", torch.get_rng_state()))
    state.append(("numpy's random state", np.random.get_state()[1].copy()))  # type: ignore[index]  # noqa: NPY002
    state.append(("python's random state", random.getstate()))
    state.append(("the mode of gradients", torch.is_grad_enabled()))
    return state


def same(one: Any, other: Any) -> bool:
    """Whether two values of a snapshot are equal, bit for bit."""
    if isinstance(one, Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
