"""Clean accuracy that indistinguishable from chance, or one class for nearly all images."""

import numpy as np
import pytest

from robustkit.benchmarks.judging.clean import diagnose_clean
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.summary import Cause


def clean(label, prediction, errors=0):
    status = np.array(["failed"] * len(label), dtype=object)
    status[:errors] = "error"
    return Records({"label": np.asarray(label), "prediction": np.asarray(prediction), "status": status})


def flagged(label, prediction, classes, **options):
    flags = diagnose_clean(clean(label, prediction, **options), classes)
    assert all(flag.weakens for flag in flags)
    return [flag.id for flag in flags]


LABELS = np.arange(200) % 10
SHIFTED = np.random.default_rng(0).permutation(LABELS)


def test_chance_is_flagged_with_its_causes():
    (flag,) = diagnose_clean(clean(LABELS, SHIFTED), 10)
    right = int((LABELS == SHIFTED).sum())
    assert flag.id == "chance-accuracy"
    assert f"classifies {right} of 200 clean images correctly, which is indistinguishable from chance (10 %)" in flag.sentence
    assert "normalisation" in flag.sentence
    assert "BGR" in flag.sentence
    (flag,) = diagnose_clean(clean(LABELS, SHIFTED), 10, probe=lambda: Cause(0.3, "It is the weather."))
    assert flag.sentence.endswith("It is the weather.")


def test_any_accuracy_that_can_be_told_from_chance_is_not():
    right = np.where(np.arange(200) % 5 == 0, LABELS, SHIFTED)
    assert flagged(LABELS, right, 10) == []
    assert flagged(LABELS, LABELS, 10) == []


@pytest.mark.parametrize(
    ("right", "n", "classes", "flags"),
    [
        (4, 5, 2, []),
        (3, 5, 2, []),  # all right could not be told from chance either
        (1, 1, 1000, []),
        (8, 10, 2, []),
        (6, 10, 2, ["chance-accuracy"]),
        (0, 20, 2, ["chance-accuracy"]),
        (1, 8, 10, ["chance-accuracy"]),
        (4, 8, 10, []),
    ],
)
def test_few_images_of_one_class(right, n, classes, flags):
    assert flagged([1] * n, [1] * right + [0] * (n - right), classes) == flags


def test_a_constant_answer_on_data_with_a_frequent_class_is_chance():
    label = [0] * 90 + [1] * 10
    assert flagged(label, [0] * 100, 2) == ["chance-accuracy"]
    assert flagged(label, [0] * 90 + [1] * 8 + [0] * 2, 2) == []
    # One image of another class does not show that the answer is constant.
    assert flagged([0] * 19 + [1], [0] * 20, 10) == []


def test_one_class_for_nearly_all_images():
    names = [f"c{i}" for i in range(10)]
    (flag,) = diagnose_clean(clean(LABELS, np.where(np.arange(200) % 12 == 3, LABELS, 7)), 10, names)
    assert (flag.id, flag.weakens) == ("one-class", True)
    assert "predicts class c7 for nearly all images of other classes" in flag.sentence
    (flag,) = diagnose_clean(clean(LABELS, np.full(200, 7)), 10, names)
    assert flag.id == "chance-accuracy"
    assert "class c7" in flag.sentence


def test_labels_in_another_order_are_named():
    order = np.array([0, 1, 9, 2, 3, 4, 5, 6, 7, 8])
    (flag,) = diagnose_clean(clean(LABELS, np.where(LABELS < 2, (LABELS + 3) % 10, order[LABELS])), 10)
    assert "With the classes in another order" in flag.sentence
    (flag,) = diagnose_clean(clean(LABELS % 2, 1 - LABELS % 2), 2)
    assert "100.0 % of the same predictions are correct" in flag.sentence


def test_a_low_accuracy_is_flagged_where_something_else_is_far_better():
    half = np.where(np.arange(200) % 10 < 4, LABELS, SHIFTED)
    assert flagged(LABELS, half, 10) == []
    (flag,) = diagnose_clean(clean(LABELS, half), 10, probe=lambda: Cause(0.9, "It was BGR."))
    assert (flag.id, flag.weakens) == ("wrong-setup", True)
    assert flag.sentence.endswith("It was BGR.")
    assert diagnose_clean(clean(LABELS, half), 10, probe=lambda: Cause(0.6, "It may be BGR.")) == []
    # Folders 0 to 10 in the order of their names and of their numbers.
    names, numbers = np.arange(220) % 11, np.array([0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9])
    (flag,) = diagnose_clean(clean(names, numbers[names]), 11)
    assert "100.0 % of the same predictions are correct" in flag.sentence


def test_a_high_accuracy_is_never_probed():
    def probe():
        raise AssertionError

    assert diagnose_clean(clean(LABELS, np.where(np.arange(200) % 10 < 7, LABELS, SHIFTED)), 10, probe=probe) == []


def test_images_without_an_answer_are_no_evidence():
    assert flagged([0] * 20, [1] * 20, 2, errors=20) == []
    assert flagged([], [], 2) == []
