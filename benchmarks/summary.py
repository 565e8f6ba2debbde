"""The schema (1) of summary.json and verdict.json, which text, HTML, JUnit, SARIF and the exit code all read."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from robustkit.benchmarks.statistics import Estimate, estimate

Outcome = Literal["passed", "failed", "inconclusive", "untrusted", "incomplete", "measured", "nothing"]
Role = Literal["attack", "control"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelPart(_Part):
    """The model under test."""

    name: str
    fingerprint: str
    parameters: int
    classes: int
    bounds: tuple[float, float]
    defenses: list[str] = []


class DataPart(_Part):
    """The samples. `available` counts them before `--limit`; `skipped` lists unreadable files that were skipped.

    `mapping` gives the model's label for each class of the data, such as a folder.
    """

    name: str
    fingerprint: str
    n: int
    available: int
    skipped: list[str] = []
    class_names: list[str] = []
    mapping: dict[str, int] = {}


class AttackPart(_Part):
    """The cost and the results of one attack.

    `evaluated` counts the samples it ran on: all correctly classified ones, or the survivors of earlier attacks.
    `robust_accuracy` is the share of all samples that survive this attack and, if it ran on survivors, the earlier ones.
    `success_rate` is its share of `evaluated`; `decided` counts the samples that it was the first to attack successfully.
    `forwards` and `backwards` are totals.
    """

    name: str
    spec: str
    cell: str
    role: Role
    on: Literal["all", "survivors"]
    evaluated: int
    robust_accuracy: Estimate
    success_rate: Estimate
    decided: int
    errors: int
    inconsistent: int
    unconfirmed: int
    seconds: float
    forwards: int
    backwards: int
    status: Literal["complete", "crashed", "incomplete"]
    message: str = ""
    median_distance: float | None = None


class CurvePoint(_Part):
    """Robust accuracy at another budget, for the attack and the noise control, on the same subset of samples."""

    eps: float
    eps_text: str
    attack: Estimate
    control: Estimate | None = None


class MinimalPart(_Part):
    """The minimal perturbations found by one attack: an upper bound per sample, hence robust accuracy at every eps.

    `found` counts the attacked samples with an adversarial image at any distance. `median` is over the attacked samples; None
    if half of them have none. `curve` holds (eps, share of all `n` samples that are correctly classified and need more than
    eps).
    """

    attack: str
    spec: str
    n: int
    found: int
    median: float | None
    curve: list[tuple[float, float]]


class ClassPart(_Part):
    """One row of the per-class table."""

    label: int
    name: str
    n: int
    clean: Estimate
    robust: Estimate
    most_common_error: str = ""


class Flag(_Part):
    """A remark on a robust accuracy; with `weakens`, a reason not to trust it."""

    id: str
    weakens: bool
    sentence: str


class Cause(NamedTuple):
    """A likely cause of a low clean accuracy, and the accuracy once it is fixed."""

    accuracy: float
    sentence: str


class Picture(_Part):
    """A sample of the gallery.

    `why` is worst (a successful attack with the largest margin), borderline (closest to the decision boundary) or random.
    """

    sample_id: int
    attack: str
    cell: str
    why: Literal["worst", "borderline", "random"]
    label: int
    clean_prediction: int
    clean_confidence: float
    prediction: int
    confidence: float
    success: bool
    distance: float


class NonAdaptivePart(_Part):
    """Robust accuracy of a defended model under attacks that ignore the defense; always shown with the adaptive one."""

    robust_accuracy: Estimate
    sentence: str


class CorruptionPart(_Part):
    """The errors under one corruption.

    `errors` holds the error rate at each severity, `error` their mean, `normalised` the mean divided by the baseline's.
    """

    kind: str
    errors: list[Estimate]
    error: float
    normalised: float | None = None


class CorruptionErrorPart(_Part):
    """The mean corruption error (mCE) of a model.

    `mean` averages the corruptions' errors (unnormalised mCE), `normalised_mean` their normalised errors (mCE as published, as
    a fraction); `clean` is the error rate without corruption.
    """

    n: int
    severities: list[int]
    clean: Estimate
    corruptions: list[CorruptionPart]
    mean: float
    normalised_mean: float | None = None


class PassesPart(_Part):
    """Forward and backward passes of one threat, by what they were spent on; those of fitting a universal attack are not among
    them."""

    verdict: int = 0
    control: int = 0
    curve: int = 0
    non_adaptive: int = 0


class ThreatPart(_Part):
    """One threat: the worst case over its attacks for each sample. Every robust accuracy is an upper bound.

    `robust_accuracy` counts the samples that survived every attack with valid results. `errors` counts the samples on which
    the model or an attack failed; `at_most` is the robust accuracy if they are counted as robust. `incomplete` lists what
    else is missing.
    """

    id: str
    kind: str
    robust_accuracy: Estimate
    errors: int = 0
    attacks: list[AttackPart]
    passes: PassesPart = PassesPart()
    trusted: bool
    flags: list[Flag] = []
    curve: list[CurvePoint] = []
    classes: list[ClassPart] = []
    gallery: list[Picture] = []
    non_adaptive: NonAdaptivePart | None = None
    patches: list[str] = []
    minimal: list[MinimalPart] = []
    corruption_error: CorruptionErrorPart | None = None
    incomplete: list[str] = []

    @property
    def robust(self) -> int:
        """The number of samples known to be robust against these attacks."""
        return round(self.robust_accuracy.value * self.robust_accuracy.n)

    @property
    def at_most(self) -> Estimate:
        """Robust accuracy if the samples without a valid result are counted as robust."""
        return estimate(self.robust + self.errors, self.robust_accuracy.n)


class GatePart(_Part):
    """A requirement and whether the run meets it, by exact one-sided bounds."""

    id: str
    threat: str
    threshold: float
    value: float
    low: float
    high: float
    outcome: Literal["passed", "failed", "inconclusive"]
    sentence: str


class Verdict(_Part):
    """The outcome and its one-sentence explanation."""

    outcome: Outcome
    sentence: str


class Estimates(_Part):
    """All numbers and flags of a run, as in summary.json.

    `clean` is the share of all samples that are correctly classified. `errors` counts the clean images without a valid model
    output; `message` says why.
    """

    schema_version: Literal[1] = 1
    robustkit: str
    run: str
    created: str
    suite: str
    seed: int
    model: ModelPart
    data: DataPart
    clean: Estimate
    errors: int = 0
    message: str = ""
    threats: list[ThreatPart]
    not_tested: list[str] = []
    repeat: dict[str, Any] = {}


class Summary(Estimates):
    """A whole run with its verdict (gates, sentence and exit code), as in verdict.json."""

    gates: list[GatePart] = []
    verdict: Verdict
    exit_code: int
