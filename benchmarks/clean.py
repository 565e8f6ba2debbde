"""Clean accuracy that says the set-up is wrong: no better than chance, one class for nearly all, or far better otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special, stats
from scipy.optimize import linear_sum_assignment

from robustkit.benchmarks.records import Column, Records
from robustkit.benchmarks.summary import Flag
from robustkit.contracts.result import Status

#: How improbable chance must be for a clean accuracy to be told from it.
LEVEL = 0.01
#: The share of other classes' images that one class must take to be flagged, and the fewest such images that are judged.
TAKEN_SHARE = 0.9
FEWEST_OTHERS = 10

CAUSES = (
    "Likely causes: a missing or wrong normalisation, channels in another order (BGR), pixel values on another scale (0 to 255), "
    "features in the place of the logits, or labels in another order than the model's outputs."
)


class Cause(NamedTuple):
    """Why a clean accuracy is low, and the accuracy without that."""

    accuracy: float
    sentence: str


def diagnose_clean(
    clean: Records, classes: int, names: Sequence[str] = (), probe: Callable[[], Cause | None] = lambda: None
) -> list[Flag]:
    """The flag of a clean accuracy that makes a robust accuracy void, if it does.

    Parameters
    ----------
    clean
        The rows of the clean images.
    classes
        How many the model has.
    names
        Their names; may be empty.
    probe
        Looks for a cause in the preprocessing; asked only if the accuracy is low.
    """
    answered = ~clean.has_status(Status.ERROR)
    label, prediction = clean["label"][answered], clean["prediction"][answered]
    if not len(label):
        return []
    accuracy, chance = float((label == prediction).mean()), chance_agreement(label, prediction, classes)
    if accuracy > (1 + chance) / 2:
        return []
    by_chance, taken = no_better_than_chance(label, prediction, classes), one_class(label, prediction)
    cause = other_order(label, prediction) or probe()
    said = f"The model is right on {int((label == prediction).sum())} of {len(label)} clean images"
    if by_chance:
        flag, said = "chance-accuracy", f"{said}, which cannot be told from chance ({100 * chance:.3g} %)"
    elif taken is not None:
        flag = "one-class"
    elif cause is not None and cause.accuracy >= (1 + accuracy) / 2:
        flag = "wrong-setup"
    else:
        return []
    if taken is not None:
        said += f", and takes nearly all images of other classes for class {names[taken] if taken < len(names) else taken}"
    why = CAUSES if cause is None else cause.sentence
    return [Flag(id=flag, weakens=True, sentence=f"{said}: the robust accuracy of such a set-up says nothing. {why}")]


def chance_agreement(label: Column, prediction: Column, classes: int) -> float:
    """The accuracy of answers that have nothing to do with the images.

    One in `classes`, or more where some labels and some predictions are frequent; that takes labels of several classes.
    """
    often = np.bincount(label)
    uniform = 1 / max(classes, 1)
    if len(label) - often.max() < FEWEST_OTHERS:
        return uniform
    length = max(len(often), int(prediction.max()) + 1)
    shares = [np.bincount(column, minlength=length) / len(column) for column in (label, prediction)]
    return max(uniform, float(shares[0] @ shares[1]))


def no_better_than_chance(label: Column, prediction: Column, classes: int) -> bool:
    """Whether an exact one-sided binomial test cannot tell the accuracy from chance.

    Not where a perfect accuracy could not be told from it either, nor where the accuracy is past half way from chance to
    perfect: then the samples are too few, and the model need not be wrong.
    """
    n, right = len(label), int((label == prediction).sum())
    chance = chance_agreement(label, prediction, classes)
    if chance**n > LEVEL or right / n > (1 + chance) / 2:
        return False
    return float(stats.binom.sf(right - 1, n, chance)) > LEVEL


def one_class(label: Column, prediction: Column) -> int | None:
    """The class that nearly all images of the other classes are taken for."""
    taken = int(np.bincount(prediction).argmax())
    others = prediction[label != taken]
    if len(others) < FEWEST_OTHERS or (others == taken).mean() < TAKEN_SHARE:
        return None
    return taken


def other_order(label: Column, prediction: Column) -> Cause | None:
    """That the same predictions are right under another order of the classes: no accident, and on half of what was wrong."""
    length = int(max(label.max(), prediction.max())) + 1
    confusion = np.zeros((length, length), dtype=np.int64)
    np.add.at(confusion, (label, prediction), 1)
    seen = np.unique(np.concatenate([label, prediction]))
    best = int(confusion[linear_sum_assignment(confusion, maximize=True)].sum())
    n, likeliest = len(label), float(confusion.sum(1).max()) / len(label)
    # The bound of a union over all orders of the classes that occur.
    accident = stats.binom.logsf(best - 1, n, likeliest) + special.gammaln(len(seen) + 1)
    if best < (n + int(np.trace(confusion))) / 2 or likeliest == 1 or accident > np.log(LEVEL):
        return None
    return Cause(
        best / n,
        f"With the classes in another order the same predictions are right on {100 * best / n:.1f} %: put the labels in the order "
        "of the model's outputs (--class-order, or --classes with the names in that order).",
    )
