"""Classes by name."""

from __future__ import annotations

import pytest

from robustkit.benchmarks.sticker.classes import class_name, class_named, true_and_target
from robustkit.contracts.model import Model
from robustkit.errors import UsageError


def test_a_class_has_a_name_and_a_number(model: Model) -> None:
    assert class_named(model, "blue", "target") == class_named(model, "2", "target") == 2
    assert class_name(model, 2) == "blue"


def test_a_mistyped_name_is_answered_with_a_similar_one(model: Model) -> None:
    with pytest.raises(UsageError, match=r"target 'gren' is not a class of reddest: did you mean 'green'\?"):
        class_named(model, "gren", "target")


def test_the_target_must_be_another_class(model: Model) -> None:
    assert true_and_target(model, "stop", None) == (0, None)
    assert true_and_target(model, "stop", "blue") == (0, 2)
    with pytest.raises(UsageError, match="true class"):
        true_and_target(model, "stop", "0")
