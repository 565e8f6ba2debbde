"""Construction of attacks and defenses by name: ``attack("pgd", steps=100)``, ``defend(model, "jpeg", quality=75)``."""

from __future__ import annotations

from typing import Any

from robustkit import registry
from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.contracts.preprocessor import Preprocessor
from robustkit.contracts.recipe import Recipe
from robustkit.defended_model import DefendedModel
from robustkit.errors import UsageError


def attack(spec: str, /, **params: Any) -> Attack:
    """An attack by name, with parameters as keywords or in the text (``pgd:steps=40``).

    Raises
    ------
    UsageError
        If the attack or a parameter is unknown, or a value is invalid.
    """
    name, written = registry.parse_spec(spec)
    built = registry.build("attacks", name, written | params)
    if not isinstance(built, Attack):
        raise UsageError(f"plugin {name!r} is a {type(built).__name__}, which is not a robustkit Attack")
    return built


def preprocessor(spec: str, /, **params: Any) -> Preprocessor:
    """An input transform by name; parameters as for `attack`."""
    name, written = registry.parse_spec(spec)
    built = registry.build("defenses", name, written | params)
    if not isinstance(built, Preprocessor):
        raise UsageError(f"defense {name!r} is not an input transform: train with it (robustkit harden --recipe {name})")
    return built


def recipe(spec: str, /, **params: Any) -> Recipe:
    """A training recipe by name; parameters as for `attack`."""
    name, written = registry.parse_spec(spec)
    built = registry.build("defenses", name, written | params)
    if not isinstance(built, Recipe):
        raise UsageError(f"defense {name!r} is not a training recipe: apply it as an input transform (--defense {name})")
    return built


def defend(model: Model, spec: str, /, **params: Any) -> DefendedModel:
    """The model with an input transform, which attacks then differentiate through. Call repeatedly to chain transforms."""
    earlier = model.defenses if isinstance(model, DefendedModel) else ()
    # The transform added last sees the images first: it wraps the already defended model.
    return DefendedModel(model, (preprocessor(spec, **params), *earlier))
