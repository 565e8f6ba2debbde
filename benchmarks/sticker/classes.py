"""Classes of a model by the names that a user gives."""

from __future__ import annotations

from robustkit.contracts.model import Model
from robustkit.errors import UsageError, brief, did_you_mean


def class_named(model: Model, name: str, what: str) -> int:
    """The class with this name, or of this number if no class has the name.

    Parameters
    ----------
    what
        What an error calls it, such as ``true class``.

    Raises
    ------
    UsageError
        If there is no such class.
    """
    names = model.classes or ()
    if name in names:
        return names.index(name)
    count = len(names) or model.num_classes()
    if name.isdecimal() and int(name) < count:
        return int(name)
    hint = did_you_mean(name, names) if names else f"give a number from 0 to {count - 1}, for its classes have no names"
    raise UsageError(f"{what} {brief(name)} is not a class of {model.name}: {hint}")


def class_name(model: Model, label: int) -> str:
    """The name of a class, or its number if it has none."""
    return model.classes[label] if model.classes and label < len(model.classes) else str(label)


def true_and_target(model: Model, true: str, target: str | None) -> tuple[int, int | None]:
    """The true class and the target. Raises `UsageError` if one is unknown or both are the same."""
    label = class_named(model, true, "true class")
    goal = None if target is None else class_named(model, target, "target")
    if goal == label:
        raise UsageError(f"target {brief(target)} is the sign's true class, so every sticker fails: give another one, or none")
    return label, goal
