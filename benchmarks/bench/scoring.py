"""Compute the entries of a bench from the contenders' answers and times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from robustkit.benchmarks.bench.contender import Answer, Contender
from robustkit.benchmarks.bench.optimality import optimality
from robustkit.benchmarks.bench.result import Entry, SkippedPeer
from robustkit.benchmarks.bench.timing import Timed


def score(
    contenders: Sequence[Contender],
    timed: Mapping[str, Timed[Callable[[], Answer | str]]],
    correct: Tensor,
    forward: float,
    gradient: float,
) -> tuple[list[Entry], list[SkippedPeer]]:
    """An entry for each contender with an answer; the others are listed as skipped, with the reason.

    Parameters
    ----------
    contenders, timed
        The contenders, and their runs by `Contender.key`.
    correct
        Bool ``(N,)``: whether the clean image is correctly classified.
    forward, gradient
        Seconds of one bare forward pass of all images, and of one forward and backward pass.
    """
    answers: dict[str, Answer] = {}
    failed: list[SkippedPeer] = []
    for each in contenders:
        found = timed[each.key].result()
        if isinstance(found, str):
            failed.append(SkippedPeer(name=each.key, reason=found))
        else:
            answers[each.key] = found
    seconds = {key: times.median for key, times in timed.items()}
    scores = optimality({key: answer.distance.numpy() for key, answer in answers.items()}, correct.cpu().numpy())
    entries = []
    for each in contenders:
        if (answer := answers.get(each.key)) is None:
            continue
        bare = answer.backwards * (gradient - forward) + answer.forwards * forward
        nearest: dict[str, Any] = {}
        if each.minimizes:
            nearest = {"distance": median_distance(answer, correct), "optimality": scores.get(each.key)}
        entries.append(
            Entry(
                name=each.name,
                kind=each.kind,
                against=each.against,
                robust_accuracy=float(answer.robust.double().mean()),
                forwards=answer.forwards / len(correct),
                backwards=answer.backwards / len(correct),
                seconds=seconds[each.key],
                ratio_to_raw=seconds[each.key] * len(correct) / bare if bare else None,
                ratio_to_ours=None if each.against is None else seconds[each.key] / seconds[each.against],
                cost=seconds[each.key] / gradient,
                runs=timed[each.key].seconds,
                **nearest,
            )
        )
    return entries, failed


def median_distance(answer: Answer, correct: Tensor) -> float | None:
    """The median distance over the correctly classified images; None if there are none."""
    distances = answer.distance.numpy()[correct.cpu().numpy()]
    return float(np.median(distances)) if len(distances) else None
