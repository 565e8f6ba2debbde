"""The schema of run.json: the configuration as given and as resolved, which makes the records sufficient for a verdict."""

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

#: Cell names become parts of paths, so the pattern excludes separators.
NAME = r"^[A-Za-z0-9.-]*[0-9a-f]{12}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PlannedCell(_Part):
    """A cell without its attack object: everything that sample selection, flags and tables depend on.

    `seeks_nearest` is true for minimum-norm attacks that continue inside eps, `draws` is the number of passes per majority
    vote in verification, `remark` is the attack's remark on the model's number of classes. For the rest see `Cell` and
    `AttackInfo`.
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
    beyond: float | None
    probe: float
    when: tuple[str, ...]
    knowledge: Knowledge
    control: bool
    universal: bool
    minimum_norm: bool
    seeks_nearest: bool
    draws: int = Field(ge=1)
    remark: str | None

    @property
    def digest(self) -> str:
        """The digest that ties records to this cell."""
        return digest_of(self.model_dump(mode="json", exclude={"remark"}))


class PlannedPoint(_Part):
    """One eps of the curve and its cells, which are None if the verdict's cells determine the result."""

    eps: float
    eps_text: str
    strong: PlannedCell | None
    control: PlannedCell | None

    @property
    def cells(self) -> list[PlannedCell]:
        """The cells that ran."""
        return [cell for cell in (self.strong, self.control) if cell is not None]


class PlannedThreat(_Part):
    """The cells of one threat, as in `ThreatPlan`.

    `escalates` says whether the suite has an escalation for it; `kinds` are the corruptions of the mean corruption error.
    """

    id: str
    kind: str
    main: tuple[PlannedCell, ...]
    curve: tuple[PlannedPoint, ...] = ()
    nearer: PlannedCell | None = None
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
        """All cells, in the order in which they ran."""
        beside = [self.nearer, *(cell for point in self.curve for cell in point.cells), self.non_adaptive]
        return [*self.main, *(cell for cell in beside if cell is not None)]


class Manifest(BaseModel):
    """run.json.

    Parameters
    ----------
    resolved
        The configuration that identifies the run. Its `samples` is the digest of ``samples.parquet``.
    status
        The state of the run; only a complete run is judged.
    shard
        Samples per file of records.
    clean
        The cell name of the clean images' records.
    curve_samples
        Number of samples of the curve.
    threats, flags
        The cells, including the escalation that ran, and the flags of the model itself.
    model, data, suite, seed, not_tested
        As in the summary.
    notes, cause
        Remarks on the data, and the likely cause of a clean accuracy that indicates a wrong set-up.
    min_robust
        The robust accuracy last required.
    command, options, configuration, versions, hardware
        For reproduction: the command, all its resolved options, those set by a file, package versions and hardware.
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
    """A cell as stored in run.json; given `classes`, with its attack's remark on that number of classes."""
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
        beyond=cell.beyond,
        probe=cell.probe,
        when=cell.when,
        knowledge=attack.knowledge,
        control=attack.info.control,
        universal=isinstance(attack, UniversalAttack),
        minimum_norm=isinstance(attack, MinimumNormAttack),
        seeks_nearest=isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps,
        draws=max(draws, attack.least_draws),
        remark=attack.remark(classes) if classes is not None else None,
    )


def planned_threat(plan: ThreatPlan, draws: int, classes: int, corruption_error: bool) -> PlannedThreat:
    """A threat's plan as stored in run.json."""
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
        nearer=planned_cell(plan.nearer, draws, classes) if plan.nearer is not None else None,
        non_adaptive=planned_cell(plan.non_adaptive, draws, classes) if plan.non_adaptive is not None else None,
        escalates=bool(plan.escalation or plan.reasons),
        reasons=plan.reasons,
        kinds=threat.kinds if corruption_error and isinstance(threat, CorruptionThreat) else (),
    )
