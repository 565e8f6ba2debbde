from dataclasses import make_dataclass
from typing import Any

import pytest

from robustkit.bridge import Library, documentation, parameters
from robustkit.errors import UsageError


class Push:
    """Pushes."""

    def __init__(self, model, size: float = 0.1, rounds: int = 3, mode: str = "up", loud: bool = False, rest=None, **more):
        """With a size."""


class Bare:
    pass


def test_a_missing_library_says_how_to_install_it():
    library = Library("nowhere", "attack", "no-such-distribution", "'robustkit[peers]'", dict, lambda name, peer: peer)
    assert library.version is None
    with pytest.raises(UsageError, match=r"not installed: pip install 'robustkit\[peers\]'"):
        library("PGD")


def test_names_and_second_names():
    library = Library("torch", "attack", "torch", "torch", lambda: {"Push": Push, "P": Push}, lambda name, peer: (name, peer))
    assert library.names() == ["Push"]
    assert library("P") == library("Push") == ("torch/Push", Push)
    with pytest.raises(UsageError, match="did you mean 'torch/Push'"):
        library("Pusch")


def test_a_plugin_is_made_once():
    made = []

    def adapt(name, peer):
        made.append(name)
        return type(name, (), {})

    library = Library("torch", "attack", "torch", "torch", lambda: {"Push": Push, "P": Push}, adapt)
    assert library("Push") is library("Push") is library("P")
    assert made == ["torch/Push"]


def test_a_library_that_does_not_import_is_said():
    def classes():
        raise ImportError("no module named tf")

    library = Library("torch", "attack", "torch", "torch", classes, lambda name, peer: peer)
    with pytest.raises(UsageError, match=r"torch .* cannot be imported: no module named tf"):
        library.names()


def test_what_is_neither_provided_nor_collected_becomes_a_field():
    found = parameters(Push, {"model"})
    assert {name: kind for name, kind, _ in found} == {"size": float, "rounds": int, "mode": str, "loud": bool, "rest": Any}
    made = make_dataclass("Made", found)
    assert vars(made()) == {"size": 0.1, "rounds": 3, "mode": "up", "loud": False, "rest": None}


def test_a_parameter_without_a_default_must_be_given():
    (model, *_) = parameters(Push, ())
    with pytest.raises(TypeError, match="model"):
        make_dataclass("Made", [model])()


def test_a_class_speaks_for_itself_and_for_its_constructor():
    assert documentation(Push) == "Pushes.\n\nWith a size."
    assert documentation(Bare) == ""
