"""The cells of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.planning.suite import AD_HOC, Curve, Suite, kind_of, load_suite
from robustkit.build import attack
from robustkit.contracts.attack import ADMITS, Attack, check_threat
from robustkit.contracts.model import Model
from robustkit.errors import UsageError
from robustkit.shrinking import ShrinkingAttack
from robustkit.threats import Knowledge, NormThreat, Threat
from robustkit.transfer import TransferAttack, load_surrogates


@dataclass(frozen=True)
class CurvePlan:
    """The curve of accuracy vs. eps, with its cells as templates.

    Parameters
    ----------
    threats
        In ascending order of eps.
    attack, control
        The cells at each eps.
    nearer
        The cell that replaces `attack` at all smaller eps, if there is one.
    """

    threats: tuple[NormThreat, ...]
    attack: Cell
    control: Cell
    nearer: Cell | None = None

    def cells(self, cell: Cell, audited: Threat, verdict: Sequence[Cell]) -> list[Cell | None]:
        """A copy of the cell for each eps, on the samples whose result does not follow from another eps.

        A success at one eps is a success at every larger eps. Hence, below the audited eps only successfully attacked samples
        are tried, from the smallest eps on, and above it only survivors; at the audited eps the verdict's cells are used.
        """
        assert isinstance(audited, NormThreat)
        names = tuple(each.name for each in verdict)
        found: list[Cell | None] = []
        for threat in self.threats:
            smaller = tuple(each.name for each in found if each is not None)
            below = threat.eps < audited.eps
            if (threat.eps == audited.eps and verdict) or (below and self.nearer is not None and cell is self.attack):
                found.append(None)
                continue
            among, before = (names, smaller) if below else ((), (*names, *smaller))
            on: Literal["all", "survivors"] = "survivors" if among or before else "all"
            within = cell.within if before and not below else None
            found.append(replace(cell, threat=threat, on=on, before=before, among=among, within=within))
        return found


@dataclass(frozen=True)
class ThreatPlan:
    """The cells of one threat.

    Parameters
    ----------
    main
        The cells of the verdict, in order.
    escalation
        The stages added to them if their results raise signs: the cells of each, one per band.
    curve_plan
        The curve, whose cells depend on the main ones.
    non_adaptive
        The cell that attacks the undefended model.
    reasons
        The flags that triggered the escalation.
    instead
        The suite whose stages these are, if it replaced the requested one.
    """

    threat: Threat
    main: tuple[Cell, ...]
    escalation: tuple[tuple[Cell, ...], ...] = ()
    curve_plan: CurvePlan | None = None
    non_adaptive: Cell | None = None
    reasons: tuple[str, ...] = ()
    instead: Suite | None = None

    def escalated(self, reasons: Sequence[str]) -> ThreatPlan:
        """The plan with only the escalation cells that are remedies for the reasons, and the reasons."""
        remedies = [
            each
            for each in self.escalation
            if set(each[0].when).intersection((*reasons, "any")) and not set(each[0].unless).intersection(reasons)
        ]
        return replace(self, escalation=tuple(remedies), reasons=tuple(reasons))

    def extended(self, cell: Cell) -> ThreatPlan:
        """The plan with an escalation cell added to the main cells, on the survivors of those."""
        return replace(self, main=(*self.main, replace(cell, before=survivors_of(self.main, cell.on))))

    @property
    def cells(self) -> list[Cell]:
        """All cells that always run, in order."""
        return [*self.main, *self.beside]

    @property
    def beside(self) -> list[Cell]:
        """The cells that are not part of the verdict and run after it."""
        curve = [cell for _, *pair in self.curve for cell in pair if cell is not None]
        curve = [self.nearer, *curve] if self.nearer is not None else curve
        return [*curve, *([self.non_adaptive] if self.non_adaptive else [])]

    @property
    def nearer(self) -> Cell | None:
        """The cell that answers all smaller eps of the curve from the verdict's adversarial images, if there is one."""
        if self.curve_plan is None or self.curve_plan.nearer is None:
            return None
        return replace(self.curve_plan.nearer, among=tuple(cell.name for cell in self.main))

    @property
    def curve(self) -> list[tuple[NormThreat, Cell | None, Cell | None]]:
        """The attack and the control at each eps of the curve, or None if the verdict's cells determine the result."""
        if self.curve_plan is None:
            return []
        controls = [cell for cell in self.main if cell.role == "control"]
        strong = self.curve_plan.cells(self.curve_plan.attack, self.threat, self.main)
        control = self.curve_plan.cells(self.curve_plan.control, self.threat, controls)
        return list(zip(self.curve_plan.threats, strong, control, strict=True))


def plan(
    suite: Suite,
    threats: Sequence[Threat],
    context: str,
    *,
    span: float,
    defended: bool,
    surrogates: Sequence[Model] = (),
    draws: int = 1,
    device: torch.device | None = None,
    knowledge: Knowledge = "white-box",
) -> list[ThreatPlan]:
    """The plan of a run for each threat, with every attack built and checked before anything is computed.

    Parameters
    ----------
    suite, threats
        The suite and the threats of the run.
    context
        Digest of model, data and seed.
    span
        The width of the model's bounds, the maximum eps of the curve.
    defended
        Whether the model has input transforms.
    surrogates
        Models on which transfer attacks are computed.
    draws
        The model's draws per query; an attack may require more.
    device
        The device for surrogates named in an attack's own parameters.
    knowledge
        What the model gives an attacker.

    Raises
    ------
    UsageError
        If an attack is unknown, or does not support a threat.
    """
    if not threats:
        raise UsageError("no threat was given: name one, such as --threat linf:8/255")
    if len({threat.id for threat in threats}) < len(threats):
        raise UsageError("a threat was given twice: name each once")
    given = Given(tuple(surrogates), draws, device or torch.device("cpu"), knowledge)
    return [_plan_one(suite, threat, context, span, defended, given) for threat in threats]


def survivors_of(cells: Sequence[Cell], on: str) -> tuple[str, ...]:
    """The names of the cells whose successfully attacked samples a following stage skips."""
    return tuple(cell.name for cell in cells) if on == "survivors" else ()


class Given(NamedTuple):
    """The resources that a run provides to its attacks."""

    surrogates: tuple[Model, ...]
    draws: int
    device: torch.device
    knowledge: Knowledge = "white-box"


def equip(built: Attack, given: Given) -> Attack:
    """The attack with the run's surrogates, unless it uses none or names its own."""
    assert is_dataclass(built)
    changes: dict[str, Any] = {}
    for field in fields(built):
        if field.name == "surrogate" and built.surrogate is None:
            changes["surrogate"] = given.surrogates or None
    if isinstance(built, TransferAttack) and built.surrogate is not None:
        # Loaded now because a cell's name must depend on the surrogates themselves, not only on their names.
        changes["surrogate"] = load_surrogates(built.surrogate, given.device)
    return replace(built, **changes)


def _plan_one(suite: Suite, threat: Threat, context: str, span: float, defended: bool, given: Given) -> ThreatPlan:
    other = suite.other(threat)
    suite = other or suite
    suite.check(threat)
    admitted = [each for each in ADMITS[threat.knowledge] if each in ADMITS[given.knowledge]]
    instead = None
    if suite.without_gradients is not None and "white-box" not in admitted:
        instead = load_suite(suite.without_gradients)
        if kind_of(threat) not in instead.threats:
            raise UsageError(
                f"suite {suite.name!r} has no attack without gradients for {threat.id!r} (only for {', '.join(instead.threats)}), "
                f"and {_who_restricts(threat, given)}: name attacks with --attack"
            )
        suite = instead
    main: list[Cell] = []
    escalation: list[tuple[Cell, ...]] = []
    for stage in suite.stages:
        if not stage.answers(threat) or (stage.surrogate and not given.surrogates):
            continue
        built = equip(attack(stage.attack), given)
        if suite.name != AD_HOC and built.knowledge not in admitted:
            if instead is not None:
                continue
            weaker = "use --suite black-box, or " if kind_of(threat) in load_suite("black-box").threats else ""
            raise UsageError(
                f"suite {suite.name!r} needs {built.knowledge} knowledge ({built.name}), but {_who_restricts(threat, given)}: "
                f"{weaker}name attacks with --attack"
            )
        check_threat(built, threat, given.draws)
        before = survivors_of(main, stage.on)
        role = "control" if built.info.control else stage.role
        cell = Cell(
            stage.attack,
            built,
            threat,
            role,
            stage.on,
            "main",
            context,
            before,
            stage.within,
            probe=stage.probe,
            when=stage.when,
            unless=stage.unless,
        )
        if stage.when:
            edges = (None, *stage.bands, None)
            escalation.append(tuple(replace(cell, beyond=low, within=high or stage.within) for low, high in pairwise(edges)))
        else:
            main.append(cell)
    if not main:
        raise UsageError(
            f"suite {suite.name!r} has no attack for {threat.id!r}: choose another --suite, or name attacks with --attack"
        )
    curve_plan = None
    if suite.curve is not None and isinstance(threat, NormThreat):
        around = [threat if factor == 1 else threat.with_eps(threat.eps * factor) for factor in sorted(suite.curve.factors)]
        control = Cell(
            suite.curve.control, equip(attack(suite.curve.control), given), threat, "control", "all", "curve", context
        )
        curve_plan = CurvePlan(
            tuple(other for other in around if threat.norm != "linf" or other.eps <= span),
            Cell(suite.curve.attack, equip(attack(suite.curve.attack), given), threat, "attack", "all", "curve", context),
            replace(control, within=suite.curve.control_within),
            _nearer(suite.curve, threat, context, given),
        )
    strongest = [cell for cell in main if cell.role == "attack" and cell.on == "all" and isinstance(threat, NormThreat)]
    non_adaptive = None
    if defended and strongest:
        first = strongest[0]
        non_adaptive = Cell(first.spec, first.attack, threat, "attack", "all", "non-adaptive", context)
    return ThreatPlan(threat, tuple(main), tuple(escalation), curve_plan, non_adaptive, instead=instead or other)


def _nearer(curve: Curve, threat: NormThreat, context: str, given: Given) -> Cell | None:
    """The cell that shrinks the verdict's adversarial images to the smaller eps, which needs gradients and queries without limit."""
    shares = tuple(factor for factor in sorted(curve.factors) if factor < 1)
    if curve.nearer is None or not shares or threat.queries is not None or given.knowledge != "white-box":
        return None
    built = attack(curve.nearer)
    if not isinstance(built, ShrinkingAttack):
        raise UsageError(f"nearer = {curve.nearer!r} of the suite's curve does not start from adversarial images: use shrink")
    check_threat(built, threat, given.draws)
    return Cell(curve.nearer, replace(built, shares=shares), threat, "attack", "survivors", "curve", context)


def _who_restricts(threat: Threat, given: Given) -> str:
    """Whether the threat or the model keeps gradients from the attacker, in words."""
    if threat.knowledge != "white-box":
        return f"the threat grants {threat.knowledge} knowledge only"
    return f"the model gives {given.knowledge} knowledge only"
