"""Row selection and joining for (nested) dataclasses with one row per sample."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from robustkit.crossing import sent


class Rows:
    """A dataclass whose tensors, lists and nested `Rows` have one row per sample; all samples share the other fields."""


R = TypeVar("R", bound=Rows)


def select(rows: R, index: Tensor) -> R:
    """The rows at these positions. An index on the host causes no device synchronisation."""
    at = cache(partial(sent, index))
    return _mapped(lambda tensor: tensor[at(tensor.device)], lambda values: [values[i] for i in index.cpu().tolist()], rows)


def join(first: R, second: R) -> R:
    """The rows of `first` followed by those of `second`."""
    return _mapped(lambda a, b: torch.cat([a, b]), lambda a, b: [*a, *b], first, second)


def put(rows: R, index: Tensor, replacement: R) -> R:
    """All rows, with those at `index` replaced."""

    def replaced(values: list[Any], fresh: list[Any]) -> list[Any]:
        changed = dict(zip(index.cpu().tolist(), fresh, strict=True))
        return [changed.get(i, value) for i, value in enumerate(values)]

    at = cache(partial(sent, index))
    return _mapped(lambda a, b: a.index_copy(0, at(a.device), b), replaced, rows, replacement)


def _mapped(tensors: Callable[..., Tensor], lists: Callable[..., list[Any]], first: R, *rest: R) -> R:
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(first):  # type: ignore[arg-type]
        values = [getattr(each, field.name) for each in (first, *rest)]
        if isinstance(values[0], Tensor):
            changed[field.name] = tensors(*values)
        elif isinstance(values[0], list):
            changed[field.name] = lists(*values)
        elif isinstance(values[0], Rows):
            changed[field.name] = _mapped(tensors, lists, *values)
    return dataclasses.replace(first, **changed)  # type: ignore[type-var]
