"""The mean corruption error: a model's error rate on the common corruptions, averaged over all severities.

Unlike robust accuracy under a corruption threat, it is an average, not a worst case: every image, including the misclassified
ones, is corrupted once by every kind at every severity.

References
----------
Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import torch
from torch import Tensor

from robustkit.benchmarks.statistics import estimate
from robustkit.benchmarks.summary import CorruptionErrorPart, CorruptionPart
from robustkit.contracts.answer import ask
from robustkit.contracts.model import Model
from robustkit.contracts.samples import Samples
from robustkit.corruptions import CORRUPTIONS, SEVERITIES, check_kinds
from robustkit.data import Data
from robustkit.errors import UsageError
from robustkit.rng import SampleRandom
from robustkit.threats import CorruptionThreat


def corruption_errors(
    model: Model,
    data: Data,
    severities: Sequence[int] = SEVERITIES,
    kinds: Sequence[str] | None = None,
    *,
    baseline: Mapping[str, float] | None = None,
    batch_size: int = 128,
    seed: int = 0,
) -> CorruptionErrorPart:
    """The mean corruption error of a model: every image corrupted by every kind at every severity.

    Parameters
    ----------
    model, data
        The model, and the data with the model's classes as labels. Images that cannot be read are skipped.
    severities
        Severities from 1 to 5.
    kinds
        Kinds from `robustkit.corruptions.CORRUPTIONS`; None means all 19.
    baseline
        The baseline model's mean error for each kind over these severities.
    batch_size
        Images in memory at a time; the result does not depend on it.
    seed
        Seeds the corruptions.

    Raises
    ------
    UsageError
        If a kind or a severity is unknown, the baseline lacks a kind, or no image can be read.
    """
    chosen = tuple(CORRUPTIONS if kinds is None else kinds)
    check_kinds(chosen)
    check_baseline(chosen, baseline)
    total = Counts()
    for batch in data.batches(model.spec, batch_size, skip_broken=True):
        total += count_errors(model, batch, chosen, severities, seed)
    if total.n == 0:
        raise UsageError(f"no image of {data.name} can be read: check the files of the data set")
    return mean_corruption_error(total.wrong, total.n, total.clean, baseline)


@dataclass(frozen=True)
class Counts:
    """Numbers of misclassified images out of `n`: `clean` without corruption, `wrong` by (kind, severity)."""

    n: int = 0
    clean: int = 0
    wrong: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        wrong = {key: self.wrong.get(key, 0) + other.wrong.get(key, 0) for key in {**self.wrong, **other.wrong}}
        return Counts(self.n + other.n, self.clean + other.clean, wrong)


def count_errors(model: Model, samples: Samples, kinds: Sequence[str], severities: Sequence[int], seed: int) -> Counts:
    """Count the misclassified images for every kind and severity. For the parameters see `corruption_errors`."""
    threats = [CorruptionThreat(severity=severity, kinds=tuple(kinds)) for severity in severities]
    random = SampleRandom(seed, "corruption-error")
    errors: dict[tuple[str, int], Tensor] = {}
    with model.frozen(seed), torch.no_grad():
        samples = samples.to(model.device)
        ids, x = samples.ids, samples.x.to(torch.promote_types(samples.x.dtype, torch.float32))
        clean = ask(model, x, samples).success.sum()
        for threat in threats:
            for index, kind in enumerate(threat.kinds):
                which = torch.full((len(ids),), index)
                corrupted = threat.transform(x, which, model.bounds, random, ids, torch.full_like(ids, threat.severity))
                errors[kind, threat.severity] = ask(model, corrupted, samples).success.sum()
    of_clean, *counts = torch.stack([clean, *errors.values()]).cpu().tolist()  # read back once, after all passes
    return Counts(len(x), of_clean, dict(zip(errors, counts, strict=True)))


def check_baseline(kinds: Sequence[str], baseline: Mapping[str, float] | None) -> None:
    """Raise `UsageError` if a baseline lacks one of the kinds, or has no errors for it."""
    for kind in kinds:
        if baseline is not None and not baseline.get(kind, 0) > 0:
            raise UsageError(f"the baseline has no error above 0 for {kind}: give one, or leave that corruption out")


def mean_corruption_error(
    wrong: Mapping[tuple[str, int], int], n: int, clean: int, baseline: Mapping[str, float] | None = None
) -> CorruptionErrorPart:
    """The mean corruption error from counts.

    Parameters
    ----------
    wrong
        Misclassified images by (kind, severity): every kind at every severity.
    n
        The number of images.
    clean
        Misclassified images without corruption.
    baseline
        As for `corruption_errors`.

    Raises
    ------
    UsageError
        If a (kind, severity) pair is missing, or the baseline lacks a kind.
    """
    kinds, severities = list(dict.fromkeys(kind for kind, _ in wrong)), sorted({severity for _, severity in wrong})
    check_baseline(kinds, baseline)
    parts = []
    for kind in kinds:
        missing = [severity for severity in severities if (kind, severity) not in wrong]
        if missing:
            raise UsageError(
                f"{kind} has no count at severity {missing[0]}, unlike other kinds: count every kind at every severity"
            )
        errors = [estimate(wrong[kind, severity], n) for severity in severities]
        error = fmean(part.value for part in errors)
        normalised = None if baseline is None else error / baseline[kind]
        parts.append(CorruptionPart(kind=kind, errors=errors, error=error, normalised=normalised))
    multiples = [part.normalised for part in parts if part.normalised is not None]
    return CorruptionErrorPart(
        n=n,
        severities=severities,
        clean=estimate(clean, n),
        corruptions=parts,
        mean=fmean(part.error for part in parts),
        normalised_mean=fmean(multiples) if multiples else None,
    )
