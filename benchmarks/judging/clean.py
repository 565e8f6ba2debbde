"""Clean accuracy that says the set-up is wrong: no better than chance, one class for nearly all, or far better otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import special, stats
from scipy.optimize import linear_sum_assignment

from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.statistics import CHANCE_LEVEL, FEWEST_OTHERS, chance_agreement
from robustkit.benchmarks.summary import Cause, Flag
from robustkit.contracts.result import Status

#: The share of other classes' images that one class must take to be flagged.
TAKEN_SHARE = 0.9

CAUSES = (
    "Likely causes: a missing or wrong normalisation, channels in another order (BGR), pixel values on another scale (0 to 255), "
    "features in the place of the logits, or labels in another order than the model's outputs."
)


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


def no_better_than_chance(label: Column, prediction: Column, classes: int) -> bool:
    """Whether an exact one-sided binomial test cannot tell the accuracy from chance.

    Not where a perfect accuracy could not be told from it either, nor where the accuracy is past half way from chance to
    perfect: then the samples are too few, and the model need not be wrong.
    """
    n, right = len(label), int((label == prediction).sum())
    chance = chance_agreement(label, prediction, classes)
    if chance**n > CHANCE_LEVEL or right / n > (1 + chance) / 2:
        return False
    return float(stats.binom.sf(right - 1, n, chance)) > CHANCE_LEVEL


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
    if best < (n + int(np.trace(confusion))) / 2 or likeliest == 1 or accident > np.log(CHANCE_LEVEL):
        return None
    return Cause(
        best / n,
        f"With the classes in another order the same predictions are right on {100 * best / n:.1f} %: put the labels in the order "
        "of the model's outputs (--class-order, or --classes with the names in that order).",
    )
