"""What summary.json and verdict.json hold (schema 1): the one object that text, HTML, JUnit, SARIF and the exit code read."""

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
    """The samples. `available` counts the set before `--limit`; `skipped` names broken files that were left out.

    `mapping` holds the model's label for each class of the data, such as a folder.
    """

    name: str
    fingerprint: str
    n: int
    available: int
    skipped: list[str] = []
    class_names: list[str] = []
    mapping: dict[str, int] = {}


class AttackPart(_Part):
    """What one attack cost and found.

    `evaluated` samples were given to it (all correctly classified ones, or the survivors of the attacks before);
    `robust_accuracy` is the share of all samples that survive it and those before it if it only
    saw survivors, it alone otherwise; `success_rate` is its share of `evaluated`; `decided` counts the samples that
    it was the first to attack successfully. `forwards` and `backwards` are totals.
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
    """The minimal perturbations that one attack found: an upper bound for each sample, and so a curve for every eps.

    `found` counts the attacked samples with an adversarial image at any distance; `median` is over the attacked samples, None
    if half of them have none; `curve` holds (eps, share of all `n` samples that are right and need more than eps).
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
    """A reason to doubt the number. Only `weakens` ones take away trust."""

    id: str
    weakens: bool
    sentence: str


class Cause(NamedTuple):
    """Why a clean accuracy is low, and the accuracy without that."""

    accuracy: float
    sentence: str


class Picture(_Part):
    """A sample for the gallery; `images` names rows of the adversarial file.

    `why` is worst (successfully attacked with the greatest margin), borderline (nearest to the decision boundary) or random.
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
    """Robust accuracy of a defended model under attacks made without the defense in view; never shown without the adaptive one."""

    robust_accuracy: Estimate
    sentence: str


class CorruptionPart(_Part):
    """The errors under one corruption.

    `errors` holds the share of wrong answers at each severity, `error` their mean, `normalised` the mean as a multiple of the
    baseline's.
    """

    kind: str
    errors: list[Estimate]
    error: float
    normalised: float | None = None


class CorruptionErrorPart(_Part):
    """What the common corruptions do to a model.

    `mean` is the mean of the corruptions' errors (unnormalised mCE), `normalised_mean` that of their multiples of the baseline's
    (mCE as published, as a share), `clean` the share of wrong answers without corruption.
    """

    n: int
    severities: list[int]
    clean: Estimate
    corruptions: list[CorruptionPart]
    mean: float
    normalised_mean: float | None = None


class ThreatPart(_Part):
    """One threat: the worst case over its attacks for each sample. Every robust accuracy is an upper bound.

    `robust_accuracy` counts the samples that every attack answered and that survived them all. `errors` samples are neither
    robust nor misclassified nor successfully attacked, for the model or an attack failed on them: `at_most` is the share that
    would be robust if all of them were. `incomplete` says what else is missing.
    """

    id: str
    kind: str
    robust_accuracy: Estimate
    errors: int = 0
    attacks: list[AttackPart]
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
        """Samples that are known to be robust against these attacks."""
        return round(self.robust_accuracy.value * self.robust_accuracy.n)

    @property
    def at_most(self) -> Estimate:
        """Robust accuracy if the samples without a valid answer were robust."""
        return estimate(self.robust + self.errors, self.robust_accuracy.n)


class GatePart(_Part):
    """One requirement and whether the run meets it, by exact one-sided bounds."""

    id: str
    threat: str
    threshold: float
    value: float
    low: float
    high: float
    outcome: Literal["passed", "failed", "inconclusive"]
    sentence: str


class Verdict(_Part):
    """The answer in one sentence."""

    outcome: Outcome
    sentence: str


class Estimates(_Part):
    """All numbers and flags of a run: what summary.json holds.

    `clean` is the share of all samples that are correctly classified; to the clean images of `errors` samples the model gave no
    valid answer, `message` says why.
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
    """A whole run with its verdict, which verdict.json holds: the gates, the sentence and the exit code."""

    gates: list[GatePart] = []
    verdict: Verdict
    exit_code: int
