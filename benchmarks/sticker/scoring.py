"""Success of a sticker on photographs by RP2's rule, and beyond the best control (Eykholt et al., arXiv 1707.08945, eq. 4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from robustkit.benchmarks.statistics import Difference, Estimate, estimate, mcnemar, paired_difference
from robustkit.errors import NothingEvaluatedError, UsageError, brief

CLEAN = "clean"
STICKER = "sticker"
CONTROL = "control:"
#: Level of the exact test.
SIGNIFICANCE = 0.05
#: Where one bin of the sign's size in the photo ends and the next begins.
SIZES_PX = (16, 24, 32, 48, 64, 96, 128, 192, 256)


class Cell(NamedTuple):
    """One entry of RP2's tables; None if it was not measured."""

    distance_cm: float | None
    angle_deg: float | None


class Condition(NamedTuple):
    """What a photo and its clean partner have in common."""

    distance_cm: float | None
    angle_deg: float | None
    light: str
    repeat: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A classified photo or rendering of the sign.

    Parameters
    ----------
    file
        Its name, for messages.
    subject
        ``clean``, ``sticker``, or ``control:NAME``.
    distance_cm, angle_deg, light, repeat
        Its `Condition`.
    prediction, label, target
        Classes; `target` is None for an untargeted attack.
    size_px
        The sign's width in the photo, None if unknown.
    run, number
        The drive whose video it is from, and its position there; a photo has no run.
    """

    file: str
    subject: str
    prediction: int
    label: int
    target: int | None = None
    distance_cm: float | None = None
    angle_deg: float | None = None
    light: str = ""
    repeat: int = 1
    size_px: float | None = None
    run: str = ""
    number: int = 0

    @property
    def correct(self) -> bool:
        """Whether it is correctly classified."""
        return self.prediction == self.label

    @property
    def hit(self) -> bool:
        """Whether it is classified as the target; false without one."""
        return self.prediction == self.target

    @property
    def condition(self) -> Condition:
        """What it has in common with its clean partner."""
        return Condition(self.distance_cm, self.angle_deg, self.light, self.repeat)

    @property
    def cell(self) -> Cell:
        """Its entry in RP2's tables."""
        return Cell(self.distance_cm, self.angle_deg)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Beyond(_Part):
    """The sticker's success beyond that of the best control, on the conditions that count for both.

    `p` is of the exact McNemar test.
    """

    control: str
    sticker: Estimate
    best: Estimate
    difference: Difference
    p: float

    @property
    def proven(self) -> bool:
        """Whether the whole interval of the difference is above zero, and the exact test, more cautious for few pairs, agrees."""
        return self.difference.low > 0 and self.p < SIGNIFICANCE


class Success(_Part):
    """The sticker's success among what counts, beside the controls'. `beyond` is None if no control shares a condition."""

    sticker: Estimate
    controls: dict[str, Estimate]
    beyond: Beyond | None


class ByRule(_Part):
    """Success as any misclassification, and as the target class (None without one)."""

    untargeted: Success
    targeted: Success | None


class CellScore(ByRule):
    """The scores at one distance and angle. Of its `frames` of the sticker, those in `untargeted.sticker` count."""

    distance_cm: float | None
    angle_deg: float | None
    frames: int


class SizeScore(ByRule):
    """The scores where the clean sign is at least `low_px` wide, and narrower than `high_px`."""

    low_px: int
    high_px: int | None


class Score(ByRule):
    """The scores of all photos. Of the `frames` of the sticker, `counted` count.

    The clean partner of `misclassified` others is not correctly classified; `unpaired` others have none.
    """

    clean: Estimate
    frames: int
    counted: int
    misclassified: int
    unpaired: int
    cells: list[CellScore]
    sizes: list[SizeScore]


class Trial(NamedTuple):
    """Whether a subject succeeded under a condition that counts."""

    subject: str
    condition: Hashable
    success: bool


def score(frames: Sequence[Frame]) -> Score:
    """The success of the sticker and the controls on photos, whose order does not matter; frames of videos are ignored.

    A frame counts only if the clean photo of the same condition is correctly classified.

    Raises
    ------
    UsageError
        If a target is the true class, or given for some frames only, or two photos are of the same subject and condition.
    NothingEvaluatedError
        If no frame of the sticker counts.
    """
    photos = [frame for frame in frames if not frame.run]
    check_frames(photos)
    clean = {frame.condition: frame for frame in photos if frame.subject == CLEAN}
    sticker = [frame for frame in photos if frame.subject == STICKER]
    counted = [
        frame for frame in photos if frame.subject != CLEAN and frame.condition in clean and clean[frame.condition].correct
    ]
    kept = sum(frame.subject == STICKER for frame in counted)
    unpaired = sum(frame.condition not in clean for frame in sticker)
    wrong = len(sticker) - kept - unpaired
    if not kept:
        raise NothingEvaluatedError(
            f"none of the {len(sticker)} photos of the sticker counts: the clean partner of {wrong} is misclassified and {unpaired} "
            "have none; photograph the bare sign under the same distance, angle, light and repeat"
        )
    overall = _by_rule(counted)
    width = {condition: frame.size_px for condition, frame in clean.items()}
    return Score(
        clean=estimate(sum(frame.correct for frame in clean.values()), len(clean)),
        frames=len(sticker),
        counted=kept,
        misclassified=wrong,
        unpaired=unpaired,
        cells=[
            CellScore(
                distance_cm=cell.distance_cm,
                angle_deg=cell.angle_deg,
                frames=sum(frame.cell == cell for frame in sticker),
                **vars(_by_rule([frame for frame in counted if frame.cell == cell], overall)),
            )
            for cell in sorted({frame.cell for frame in sticker}, key=_none_last)
        ],
        sizes=[
            SizeScore(low_px=low, high_px=high, **vars(_by_rule(inside, overall)))
            for low, high in pairwise((0, *SIZES_PX, None))
            if low is not None and (inside := [frame for frame in counted if _between(width[frame.condition], low, high)])
        ],
        **vars(overall),
    )


def compare(trials: Iterable[Trial], control: str | None = None) -> Success:
    """The sticker's success beside the controls', and its difference from that of one of them.

    Parameters
    ----------
    trials
        At most one for each subject and condition, in any order.
    control
        The control to compare with; None for the one that succeeds most often where the sticker was tried too. The choice
        favours the controls.
    """
    outcomes: defaultdict[str, dict[Hashable, bool]] = defaultdict(dict)
    for trial in trials:
        outcomes[trial.subject][trial.condition] = trial.success
    sticker = outcomes.pop(STICKER, {})
    controls = {name.removeprefix(CONTROL): found for name, found in sorted(outcomes.items())}
    beyond = [
        _beyond(name, sticker, found)
        for name, found in controls.items()
        if sticker.keys() & found.keys() and control in (None, name)
    ]
    return Success(
        sticker=_share(sticker),
        controls={name: _share(found) for name, found in controls.items()},
        beyond=max(beyond, key=lambda each: each.best.value, default=None),
    )


def check_frames(frames: Iterable[Frame]) -> None:
    """Raise `UsageError` for an unknown subject, a target that is the true class or not given for all, or two alike frames."""
    seen: dict[Hashable, str] = {}
    targets: dict[bool, str] = {}
    for frame in frames:
        if frame.subject not in (CLEAN, STICKER) and not (frame.subject.startswith(CONTROL) and frame.subject != CONTROL):
            raise UsageError(
                f"subject {brief(frame.subject)} of {frame.file} is unknown: expected clean, sticker, or control:NAME"
            )
        key = (frame.subject, frame.light, frame.run, frame.number) if frame.run else (frame.subject, frame.condition)
        if key in seen:
            raise UsageError(
                f"{seen[key]} and {frame.file} show the same subject under the same condition: give one of them another "
                f"{'number' if frame.run else 'repeat'}"
            )
        seen[key] = frame.file
        if frame.subject == CLEAN:
            continue
        if frame.target == frame.label:
            raise UsageError(f"the target of {frame.file} is its true class {frame.label}: give another target, or none")
        targets[frame.target is None] = frame.file
    if len(targets) == 2:
        raise UsageError(f"{targets[False]} has a target but {targets[True]} has none: give one for all photos, or for none")


def _by_rule(counted: Sequence[Frame], overall: ByRule | None = None) -> ByRule:
    """The success of counted frames, against the controls that are best overall."""
    targeted = overall.targeted is not None if overall else any(frame.target is not None for frame in counted)
    missed = [Trial(frame.subject, frame.condition, not frame.correct) for frame in counted]
    hit = [Trial(frame.subject, frame.condition, frame.hit) for frame in counted]
    return ByRule(
        untargeted=compare(missed, _best(overall.untargeted) if overall else None),
        targeted=compare(hit, _best(overall.targeted) if overall else None) if targeted else None,
    )


def _best(success: Success | None) -> str | None:
    return success.beyond.control if success and success.beyond else None


def _beyond(control: str, sticker: Mapping[Hashable, bool], other: Mapping[Hashable, bool]) -> Beyond:
    pairs = Counter((sticker[condition], other[condition]) for condition in sticker.keys() & other.keys())
    both, first, second, neither = (pairs[pair] for pair in ((True, True), (True, False), (False, True), (False, False)))
    n = pairs.total()
    return Beyond(
        control=control,
        sticker=estimate(both + first, n),
        best=estimate(both + second, n),
        difference=paired_difference(both, first, second, neither),
        p=mcnemar(first, second),
    )


def _share(outcomes: Mapping[Hashable, bool]) -> Estimate:
    return estimate(sum(outcomes.values()), len(outcomes))


def _between(width: float | None, low: int, high: int | None) -> bool:
    return width is not None and low <= width and (high is None or width < high)


def _none_last(cell: Cell) -> tuple[tuple[bool, float], ...]:
    return tuple((value is None, value or 0.0) for value in cell)
