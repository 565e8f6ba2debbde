"""What run.json holds: what was asked and what was resolved, so that a verdict can be computed from the records alone."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from robustkit.benchmarks.planning.cell import Cell, digest_of
from robustkit.benchmarks.planning.plan import ThreatPlan
from robustkit.benchmarks.summary import Cause, DataPart, Flag, ModelPart
from robustkit.iterative import MinimumNormAttack
from robustkit.threats import CorruptionThreat, Knowledge
from robustkit.universal import UniversalAttack

Status = Literal["running", "interrupted", "failed", "complete"]

#: A cell's or a shard's name becomes part of a path: it cannot lead elsewhere.
NAME = r"^[A-Za-z0-9.-]*[0-9a-f]{12}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlannedCell(_Part):
    """A cell without its attack: all that due samples, flags and tables depend on.

    `seeks_nearest` holds of minimum-norm attacks that go on inside eps, `draws` is how many passes verification took a majority
    of, `remark` is what the attack says of a model with so many classes. The rest is as in `Cell` and `AttackInfo`.
    """

    name: str = Field(pattern=NAME)
    attack: str
    spec: str
    role: Literal["attack", "control"]
    on: Literal["all", "survivors"]
    part: Literal["main", "curve", "non-adaptive"]
    before: tuple[str, ...]
    among: tuple[str, ...]
    within: float | None
    when: Literal["always", "suspicious", "randomised"]
    knowledge: Knowledge
    control: bool
    universal: bool
    minimum_norm: bool
    seeks_nearest: bool
    draws: int = Field(ge=1)
    remark: str | None

    @property
    def digest(self) -> str:
        """What records say they were made for."""
        return digest_of(self.model_dump(mode="json", exclude={"remark"}))


class PlannedPoint(_Part):
    """One eps of the curve, with the cells that ran for it: none where those of the verdict answer it."""

    eps: float
    eps_text: str
    strong: PlannedCell | None
    control: PlannedCell | None

    @property
    def cells(self) -> list[PlannedCell]:
        """Those that ran."""
        return [cell for cell in (self.strong, self.control) if cell is not None]


class PlannedThreat(_Part):
    """The cells of one threat, as in `ThreatPlan`. `escalates` says whether doubts call for more; `kinds` are the corruptions
    whose mean error was counted."""

    id: str
    kind: str
    main: tuple[PlannedCell, ...]
    curve: tuple[PlannedPoint, ...] = ()
    non_adaptive: PlannedCell | None = None
    escalates: bool = False
    reasons: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> PlannedThreat:
        seen: set[str] = set()
        for cell in self.cells:
            if not seen.issuperset((*cell.before, *cell.among)) or cell.name in seen:
                raise ValueError(f"cell {cell.name} is out of order")
            seen.add(cell.name)
        return self

    @property
    def cells(self) -> list[PlannedCell]:
        """All of them, in the order they ran."""
        beside = [cell for point in self.curve for cell in point.cells]
        return [*self.main, *beside, *([self.non_adaptive] if self.non_adaptive else [])]


class Manifest(BaseModel):
    """run.json.

    Parameters
    ----------
    resolved
        The configuration; another one is another run. Its `samples` is the digest of ``samples.parquet``.
    status
        How the run stands; only a complete one is judged.
    shard
        Samples in a file of records.
    clean
        The name of the clean images' records.
    curve_samples
        On how many samples the curve was computed.
    threats, flags
        The cells, the escalation that ran included, and what stands against the model itself.
    model, data, suite, seed, not_tested
        As in the summary.
    notes, cause
        What was noticed of the data, and of a clean accuracy that says the set-up is wrong.
    min_robust
        The robust accuracy that was last required.
    command, options, configuration, versions, hardware
        How, with what and on what the run was made: every option of the command as it was resolved, and which a file set.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    resolved: dict[str, Any]
    created: str
    status: Status
    shard: int = Field(gt=0, le=2**20)
    clean: str = Field(pattern=NAME)
    curve_samples: int = Field(ge=0)
    threats: tuple[PlannedThreat, ...]
    flags: tuple[Flag, ...]
    model: ModelPart
    data: DataPart
    suite: str
    seed: int
    not_tested: tuple[str, ...]
    notes: tuple[str, ...] = ()
    cause: Cause | None = None
    min_robust: float | None = Field(ge=0, le=1)
    command: str = ""
    options: dict[str, Any] = {}
    configuration: dict[str, str | bool] = {}
    versions: dict[str, str] = {}
    hardware: dict[str, str | int] = {}


def planned_cell(cell: Cell, draws: int, classes: int | None = None) -> PlannedCell:
    """A cell as run.json holds it, with what its attack says of a model with so many classes."""
    attack = cell.attack
    return PlannedCell(
        name=cell.name,
        attack=attack.name,
        spec=cell.spec,
        role=cell.role,
        on=cell.on,
        part=cell.part,
        before=cell.before,
        among=cell.among,
        within=cell.within,
        when=cell.when,
        knowledge=attack.info.knowledge,
        control=attack.info.control,
        universal=isinstance(attack, UniversalAttack),
        minimum_norm=isinstance(attack, MinimumNormAttack),
        seeks_nearest=isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps,
        draws=max(draws, attack.least_draws),
        remark=attack.remark(classes) if classes is not None else None,
    )


def planned_threat(plan: ThreatPlan, draws: int, classes: int, corruption_error: bool) -> PlannedThreat:
    """A threat's plan as run.json holds it."""
    threat = plan.threat
    return PlannedThreat(
        id=threat.id,
        kind=threat.kind,
        main=tuple(planned_cell(cell, draws, classes) for cell in plan.main),
        curve=tuple(
            PlannedPoint(
                eps=at.eps,
                eps_text=at.eps_text,
                strong=planned_cell(strong, draws, classes) if strong is not None else None,
                control=planned_cell(control, draws, classes) if control is not None else None,
            )
            for at, strong, control in plan.curve
        ),
        non_adaptive=planned_cell(plan.non_adaptive, draws, classes) if plan.non_adaptive is not None else None,
        escalates=bool(plan.escalation or plan.reasons),
        reasons=plan.reasons,
        kinds=threat.kinds if corruption_error and isinstance(threat, CorruptionThreat) else (),
    )
