"""Which cells a run consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robustkit.benchmarks.cell import Cell
from robustkit.benchmarks.suite import Stage, Suite
from robustkit.build import attack
from robustkit.contract import check_threat
from robustkit.errors import UsageError
from robustkit.threats import NormThreat, Threat


@dataclass(frozen=True)
class ThreatPlan:
    """The cells of one threat: those of the verdict in order, those of the curve by eps, and the non-adaptive one."""

    threat: Threat
    main: tuple[Cell, ...]
    curve: tuple[tuple[NormThreat, Cell, Cell], ...] = ()
    non_adaptive: Cell | None = None

    @property
    def cells(self) -> list[Cell]:
        """All of them, in the order they run."""
        bending = [cell for _, strong, control in self.curve for cell in (strong, control)]
        return [*self.main, *bending, *([self.non_adaptive] if self.non_adaptive else [])]


def plan(suite: Suite, threats: Sequence[Threat], context: str, *, span: float, defended: bool) -> list[ThreatPlan]:
    """Every cell of a run, with every attack built and checked against every threat before anything is computed.

    Parameters
    ----------
    suite, threats
        What was asked.
    context
        Digest of model, data and seed.
    span
        The width of the model's bounds, which no eps of the curve exceeds.
    defended
        Whether input transforms stand in front of the model.

    Raises
    ------
    UsageError
        If an attack is unknown, or cannot answer a threat.
    """
    if not threats:
        raise UsageError("no threat was given: name one, such as --threat linf:8/255")
    if len({threat.id for threat in threats}) < len(threats):
        raise UsageError("a threat was given twice: name each once")
    return [_plan_one(suite, threat, context, span, defended) for threat in threats]


def _plan_one(suite: Suite, threat: Threat, context: str, span: float, defended: bool) -> ThreatPlan:
    suite.check(threat)
    main: list[Cell] = []
    for stage in suite.stages:
        built = attack(stage.attack)
        check_threat(built, threat)
        before = tuple(cell.name for cell in main) if stage.on == "survivors" else ()
        main.append(Cell(stage.attack, built, threat, stage.role, stage.on, "main", context, before))
    curve = []
    if suite.curve is not None and isinstance(threat, NormThreat):
        for factor in suite.curve.factors:
            other = threat if factor == 1 else threat.with_eps(threat.eps * factor)
            if threat.norm == "linf" and other.eps > span:
                continue
            strong, control = (
                Cell(stage.attack, attack(stage.attack), other, stage.role, "all", "curve", context)
                for stage in (Stage(attack=suite.curve.attack), Stage(attack=suite.curve.control, role="control"))
            )
            curve.append((other, strong, control))
    strongest = [cell for cell in main if cell.role == "attack" and cell.on == "all" and isinstance(threat, NormThreat)]
    non_adaptive = None
    if defended and strongest:
        first = strongest[0]
        non_adaptive = Cell(first.spec, first.attack, threat, "attack", "all", "non-adaptive", context)
    return ThreatPlan(threat, tuple(main), tuple(curve), non_adaptive)
