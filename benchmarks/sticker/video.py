"""Success of a sticker on videos of drives, by run: the frames of one run are not independent samples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from robustkit.benchmarks.statistics import Estimate, estimate
from robustkit.benchmarks.sticker.scoring import CLEAN, CONTROL, STICKER, Frame, Success, Trial, check_frames, compare
from robustkit.errors import NothingEvaluatedError, UsageError, brief

#: Consecutive frames that a vote is taken over.
WINDOW = 10


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunScore(_Part):
    """The successful frames of one run.

    `longest` is the longest sequence of consecutive ones; `voted` is the share of windows in which they are the majority.
    """

    subject: str
    light: str
    run: str
    frames: int
    share: float
    longest: int
    voted: float


class RunsScore(_Part):
    """The success in the runs that count, by one rule.

    Parameters
    ----------
    runs
        Each of them.
    share
        The mean share of successful frames by subject; the intervals are conservative.
    majority
        Runs in which more than half of the frames succeed.
    vote
        Runs with a window in which more than half of the frames succeed.
    """

    runs: list[RunScore]
    share: dict[str, Estimate]
    majority: Success
    vote: Success


class VideoScore(_Part):
    """The scores of all runs. Of the `runs` with the sticker, `counted` count.

    Of the clean partner of `misclassified` others at least half of the frames are not correctly classified; `unpaired` others
    have none. Votes are taken over `window` consecutive frames.
    """

    window: int
    clean: Estimate
    runs: int
    counted: int
    misclassified: int
    unpaired: int
    untargeted: RunsScore
    targeted: RunsScore | None


class _Drive(NamedTuple):
    """What a run and its clean partner have in common."""

    light: str
    run: str


def score_runs(frames: Sequence[Frame], window: int = WINDOW) -> VideoScore:
    """The success of the sticker and the controls on videos, whose frames may come in any order; photos are ignored.

    A run counts only if more than half of the frames of its clean partner, the clean run of the same light and name, are
    correctly classified.

    Parameters
    ----------
    frames
        Each with its run and its number in it.
    window
        The number of consecutive frames that a vote is taken over; a shorter run is one window.

    Raises
    ------
    UsageError
        If `window` is not positive, or as of `scoring.check_frames`.
    NothingEvaluatedError
        If no run of the sticker counts.
    """
    if window < 1:
        raise UsageError(f"window={brief(window)} must be a number of frames of at least 1")
    videos = sorted((frame for frame in frames if frame.run), key=lambda frame: frame.number)
    check_frames(videos)
    runs: defaultdict[tuple[str, _Drive], list[Frame]] = defaultdict(list)
    for frame in videos:
        runs[frame.subject, _Drive(frame.light, frame.run)].append(frame)
    clean = {drive: _mean([frame.correct for frame in seen]) for (subject, drive), seen in runs.items() if subject == CLEAN}
    sticker = [drive for subject, drive in runs if subject == STICKER]
    counted = {key: seen for key, seen in sorted(runs.items()) if key[0] != CLEAN and clean.get(key[1], 0) > 0.5}
    kept = sum(subject == STICKER for subject, _ in counted)
    unpaired = sum(drive not in clean for drive in sticker)
    if not kept:
        raise NothingEvaluatedError(
            f"none of the {len(sticker)} runs with the sticker counts: the clean partner of {len(sticker) - unpaired} is mostly "
            f"misclassified and {unpaired} have none; film the bare sign in a run of the same name and light"
        )
    targeted = any(frame.target is not None for seen in counted.values() for frame in seen)
    return VideoScore(
        window=window,
        clean=estimate(sum(clean.values()), len(clean)),
        runs=len(sticker),
        counted=kept,
        misclassified=len(sticker) - kept - unpaired,
        unpaired=unpaired,
        untargeted=_by(lambda frame: not frame.correct, counted, window),
        targeted=_by(lambda frame: frame.hit, counted, window) if targeted else None,
    )


def _by(succeeds: Callable[[Frame], bool], runs: dict[tuple[str, _Drive], list[Frame]], window: int) -> RunsScore:
    """The score of runs by one rule."""
    outcomes = {key: [succeeds(frame) for frame in seen] for key, seen in runs.items()}
    scores = [_run_score(subject, drive, successes, window) for (subject, drive), successes in outcomes.items()]
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for run in scores:
        shares[run.subject.removeprefix(CONTROL)].append(run.share)
    return RunsScore(
        runs=scores,
        share={name: estimate(sum(found), len(found)) for name, found in shares.items()},
        majority=compare(Trial(run.subject, (run.light, run.run), run.share > 0.5) for run in scores),
        vote=compare(Trial(run.subject, (run.light, run.run), run.voted > 0) for run in scores),
    )


def _run_score(subject: str, drive: _Drive, successes: list[bool], window: int) -> RunScore:
    width = min(window, len(successes))
    votes = [_mean(successes[start : start + width]) > 0.5 for start in range(len(successes) - width + 1)]
    return RunScore(
        subject=subject,
        light=drive.light,
        run=drive.run,
        frames=len(successes),
        share=_mean(successes),
        longest=max((len(list(same)) for success, same in groupby(successes) if success), default=0),
        voted=_mean(votes),
    )


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values)
