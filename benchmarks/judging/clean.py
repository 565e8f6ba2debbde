"""Signs of a wrong set-up in the clean accuracy: chance level, one dominant class, or much better with other preprocessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import special, stats
from scipy.optimize import linear_sum_assignment

from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.statistics import CHANCE_LEVEL, FEWEST_OTHERS, chance_agreement
from robustkit.benchmarks.summary import Cause, Flag
from robustkit.contracts.result import Status

#: Share of the other classes' images that must be predicted as one class to raise the flag.
ONE_CLASS_SHARE = 0.9

CAUSES = (
    "Likely causes: missing or wrong normalisation, another channel order (BGR), another pixel range (0 to 255), features "
    "returned instead of logits, or labels in a different order than the model's outputs."
)


def diagnose_clean(
    clean: Records, classes: int, names: Sequence[str] = (), probe: Callable[[], Cause | None] = lambda: None
) -> list[Flag]:
    """The flag of a clean accuracy so low that the robust accuracy is meaningless, if any.

    Parameters
    ----------
    clean
        The rows of the clean images.
    classes
        The number of the model's classes.
    names
        Their names; may be empty.
    probe
        Searches the preprocessing for a cause; called only if the accuracy is low.
    """
    answered = ~clean.has_status(Status.ERROR)
    label, prediction = clean["label"][answered], clean["prediction"][answered]
    if not len(label):
        return []
    accuracy, chance = float((label == prediction).mean()), chance_agreement(label, prediction, classes)
    if accuracy > (1 + chance) / 2:
        return []
    by_chance, dominant = no_better_than_chance(label, prediction, classes), one_class(label, prediction)
    cause = other_order(label, prediction) or probe()
    finding = f"The model classifies {int((label == prediction).sum())} of {len(label)} clean images correctly"
    if by_chance:
        flag, finding = "chance-accuracy", f"{finding}, which is indistinguishable from chance ({100 * chance:.3g} %)"
    elif dominant is not None:
        flag = "one-class"
    elif cause is not None and cause.accuracy >= (1 + accuracy) / 2:
        flag = "wrong-setup"
    else:
        return []
    if dominant is not None:
        name = names[dominant] if dominant < len(names) else dominant
        finding += f", and predicts class {name} for nearly all images of other classes"
    why = CAUSES if cause is None else cause.sentence
    return [Flag(id=flag, weakens=True, sentence=f"{finding}; robust accuracy is meaningless with such a set-up. {why}")]


def no_better_than_chance(label: Column, prediction: Column, classes: int) -> bool:
    """Whether an exact one-sided binomial test cannot distinguish the accuracy from chance.

    False if the samples are too few to distinguish even a perfect accuracy, or if the accuracy is more than halfway from
    chance to perfect.
    """
    n, correct = len(label), int((label == prediction).sum())
    chance = chance_agreement(label, prediction, classes)
    if chance**n > CHANCE_LEVEL or correct / n > (1 + chance) / 2:
        return False
    return float(stats.binom.sf(correct - 1, n, chance)) > CHANCE_LEVEL


def one_class(label: Column, prediction: Column) -> int | None:
    """The class predicted for nearly all images of the other classes, if there is one."""
    frequent = int(np.bincount(prediction).argmax())
    others = prediction[label != frequent]
    if len(others) < FEWEST_OTHERS or (others == frequent).mean() < ONE_CLASS_SHARE:
        return None
    return frequent


def other_order(label: Column, prediction: Column) -> Cause | None:
    """The cause that the labels are in another order, if reordering corrects at least half of the errors beyond chance."""
    length = int(max(label.max(), prediction.max())) + 1
    confusion = np.zeros((length, length), dtype=np.int64)
    np.add.at(confusion, (label, prediction), 1)
    seen = np.unique(np.concatenate([label, prediction]))
    best = int(confusion[linear_sum_assignment(confusion, maximize=True)].sum())
    n, likeliest = len(label), float(confusion.sum(1).max()) / len(label)
    # Union bound over all orders of the classes that occur.
    log_p = stats.binom.logsf(best - 1, n, likeliest) + special.gammaln(len(seen) + 1)
    if best < (n + int(np.trace(confusion))) / 2 or likeliest == 1 or log_p > np.log(CHANCE_LEVEL):
        return None
    return Cause(
        best / n,
        f"With the classes in another order, {100 * best / n:.1f} % of the same predictions are correct: put the labels in the "
        "order of the model's outputs (--class-order, or --classes with the names in that order).",
    )
