"""Labels of the data become classes of the model."""

import numpy as np
import pytest
import torch
from torch import nn

from robustkit import Model
from robustkit.data import load_data
from robustkit.data.matching import match_labels
from robustkit.errors import UsageError
from robustkit.spec import InputSpec


def match(classes, known, total=None):
    labels = np.arange(len(classes))
    mapping = match_labels(labels, classes, known, total or len(known), data="photos", model="net")
    return mapping.labels.tolist()


def test_labels_without_names_are_used_as_they_are():
    mapping, names, _ = match_labels(np.array([2, 0]), None, None, 3, data="d", model="m")
    assert mapping.tolist() == [0, 1, 2]
    assert names is None


@pytest.mark.parametrize("labels", [[0, 3], [-1, 2]])
def test_labels_outside_the_classes_are_refused(labels):
    with pytest.raises(UsageError, match="3 classes"):
        match_labels(np.array(labels), None, None, 3, data="d", model="m")


def test_numbers_are_indices():
    assert match(["006", "012", "999"], None, 1000) == [6, 12, 999]


def test_names_come_before_numbers():
    # A model trained on folders 0 … 10 has them in the order of their text.
    known = sorted(str(k) for k in range(11))
    assert match(["0", "2", "10"], known) == [known.index("0"), known.index("2"), known.index("10")]


def test_names_match_without_case_and_underscores_and_by_synonym():
    known = ["tench, Tinca tinca", "great white shark, white shark", "T-shirt/top"]
    assert match(["White_Shark", "t-shirt/top", "Tinca tinca"], known) == [1, 2, 0]


def test_repeated_names_of_the_model_match_only_as_a_whole():
    known = ["crane", "crane", "kite"]
    assert match(known, known) == [0, 1, 2]
    with pytest.raises(UsageError, match="'crane'"):
        match(["crane", "kite"], known)


def test_as_many_classes_without_a_shared_name_are_taken_in_order():
    assert match(["a", "b"], ["x", "y"]) == [0, 1]
    assert match(["a", "b"], None, 2) == [0, 1]


def test_a_class_the_model_does_not_have_is_named():
    with pytest.raises(UsageError, match="class 'dog' of photos"):
        match(["cat", "dog"], ["cat", "bird", "fish"])
    # As many, but one name is shared: the order of the rest would be a guess.
    with pytest.raises(UsageError, match="class 'dogs' of photos"):
        match(["bird", "cat", "dogs"], ["cat", "dog", "bird"])
    with pytest.raises(UsageError, match="'12'"):
        match(["3", "12"], None, 10)


def test_imagenet_folder_names_are_its_classes():
    assert match(["n01440764", "n01498041"], None, 1000) == [0, 6]


def test_matched_finds_the_number_of_classes_by_an_uncounted_pass():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    data = load_data("builtin/fashion", limit=20).matched(model)
    assert model.num_classes() == 10
    assert model.forwards == 0
    assert data.labels.tolist() == load_data("builtin/fashion", limit=20).labels.tolist()
    assert data.matched(model).labels.tolist() == data.labels.tolist()


def test_names_that_do_not_fit_the_network_are_reported():
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), spec=InputSpec(size=(2, 2)), classes=["a"], device="cpu")
    with pytest.raises(UsageError, match="names 1 classes, but its network has 3"):
        model.num_classes()
    other = Model(nn.Linear(5, 3), device="cpu")
    with pytest.raises(UsageError, match="cannot take images of shape"):
        other.num_classes(torch.rand(1, 3, 4, 4))
    assert torch.is_grad_enabled()


TEN = sorted(str(k) for k in range(11))


def ordered(classes, order=None, total=None, known=None):
    labels = np.arange(len(classes))
    found = match_labels(labels, classes, known, total or len(classes), data="photos", model="net", order=order)
    return found.labels.tolist(), found.note


def test_numbers_that_could_be_read_in_two_ways_are_said_and_chosen():
    by_number, by_name = [int(name) for name in TEN], list(range(11))
    labels, note = ordered(TEN)
    assert labels == by_number
    assert "'10'" in note
    assert "(label 10)" in note
    assert "(label 2)" in note
    assert "--class-order name" in note
    assert ordered(TEN, "number") == (by_number, None)
    assert ordered(TEN, "name") == (by_name, None)
    assert ordered([f"{k:02}" for k in range(11)]) == (by_name, None)
    # A model that names its classes leaves no choice.
    assert ordered(TEN, known=TEN) == (by_name, None)


def test_numbers_from_one_are_ranks_or_an_order():
    one = sorted(str(k) for k in range(1, 11))
    labels, note = ordered(one)
    assert labels == list(range(10))
    assert "--class-order number" in note
    assert ordered(one, "number") == ([int(name) - 1 for name in one], None)


def test_classes_without_images_keep_their_place():
    labels, note = ordered(["1", "10", "2"], total=11)
    assert labels == [1, 10, 2]
    assert "--class-order name" in note
    assert ordered(["1", "10", "2"], "name", total=11) == ([1, 2, 3], None)
    assert ordered(["01", "10"], "name", total=11) == ([1, 10], None)
    assert ordered(["3", "4"], total=10) == ([3, 4], None)


def test_an_order_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="needs numbers below 10, or as many classes"):
        ordered(["3", "14"], "name", 10)
    with pytest.raises(UsageError, match="are not numbers, such as 'cat'"):
        ordered(["cat", "dog"], "number")


def test_another_order_than_the_models_names_is_said():
    assert "'a' for 'x' to 'b' for 'y'" in ordered(["a", "b"], known=["x", "y"])[1]
    assert ordered(["a", "b"])[1] is None


@pytest.mark.parametrize("names", [[str(10 * k) for k in range(10)], [f"{k:02}" for k in range(1, 11)]])
def test_numbers_that_are_no_labels_are_taken_in_their_order_and_said(names):
    labels, note = ordered(names)
    assert labels == list(range(10))
    assert f"{names[0]!r} for label 0 to {names[-1]!r} for label 9" in note
    assert "for label 0 (ankle boot) to" in ordered(names, known=["ankle boot", *"bcdefghi", "bag"])[1]
    for order in ("number", "name"):
        assert ordered(names, order) == (list(range(10)), None)
    assert ordered(names, known=names) == (list(range(10)), None)


def test_labels_without_a_name_are_refused():
    for labels in ([-1, 0], [0, 2]):
        with pytest.raises(UsageError, match="names 2 classes"):
            match_labels(np.array(labels), ["a", "b"], None, 2, data="d", model="m")


def test_thousands_of_digits_are_a_name():
    with pytest.raises(UsageError, match="is not one of"):
        ordered(["1" * 5000], total=3)
