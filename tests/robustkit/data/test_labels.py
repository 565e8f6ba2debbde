"""Labels as files have them become integers and names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustkit.data.labels import TextLabels, as_integers, from_names, from_text
from robustkit.errors import UsageError


def read(*texts):
    labels = TextLabels()
    for text in texts:
        labels.add(text)
    found, classes, note = labels.read("labels of t.csv")
    return found.tolist(), classes, note


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.uint64])
def test_integers_of_any_width_become_64_bits(kind):
    found = as_integers(np.array([3, 0], kind), "labels", 2)
    assert found.dtype == np.int64
    assert found.tolist() == [3, 0]
    assert as_integers(np.zeros(0), "labels", 0).dtype == np.int64


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros(2), r"labels have shape \(2,\) and type float64: expected 2 integers"),
        (np.zeros((2, 1), int), r"shape \(2, 1\)"),
        (np.zeros(3, int), "expected 2 integers"),
        (np.zeros(2, bool), "type bool"),
        (np.array([0, 2**64 - 1], np.uint64), "labels reach 18446744073709551615: expected integers of at most 64 bits"),
    ],
)
def test_what_are_no_labels_is_said(values, says):
    with pytest.raises(UsageError, match=says):
        as_integers(values, "labels", 2)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_are_themselves(numbers):
    assert read(*map(str, numbers)) == (numbers, None, None)


@pytest.mark.parametrize("text", ["3", "+3", "3.0", "3.", "03", "3.000"])
def test_integers_as_spreadsheets_write_them(text):
    assert read(text) == ([3], None, None)


@pytest.mark.parametrize("text", ["1.5", "nan", "-INF", ".5", "9" * 19, "9" * 40])
def test_numbers_that_are_no_labels_are_named(text):
    with pytest.raises(UsageError, match=r"labels of t\.csv contain .*: expected integers of at most 64 bits, or names"):
        read("1", text)


@given(st.lists(st.sampled_from(["dog", "cat", "3", "emu"]), min_size=1).filter(lambda texts: set(texts) != {"3"}))
def test_names_are_taken_in_alphabetical_order_and_said(texts):
    labels, classes, note = read(*texts)
    assert classes == sorted(set(texts))
    assert [classes[label] for label in labels] == texts
    assert f"{classes[0]!r} first" in note


def test_names_in_an_order_that_is_given():
    codes = np.array([0, 1, 0])
    labels, classes, note = from_names(["emu", "cat"], codes, ["dog", "emu", "cat"], "labels")
    assert (labels.tolist(), classes, note) == ([1, 2, 1], ["dog", "emu", "cat"], None)
    with pytest.raises(UsageError, match="labels contain 'cow', which is not one of the 3 class names in the file"):
        from_names(["emu", "cow"], codes, ["dog", "emu", "cat"], "labels")


def test_texts_may_occur_that_no_sample_has():
    labels, classes, _ = from_text(["b", "a", "c"], np.array([0, 0]), "labels")
    assert (labels.tolist(), classes) == ([1, 1], ["a", "b", "c"])
