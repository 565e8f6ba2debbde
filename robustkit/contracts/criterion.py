"""The contract of a success criterion, which attacks, engine and verification all use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from robustkit.contracts.samples import Samples
from robustkit.projections import Bounds


class Criterion(ABC):
    """How to interpret a model's outputs, and what counts as success. Set by ``Model(net, criterion=...)``.

    The outputs of a batch may be a tensor or nested lists and dicts of tensors. Everything computed from them has one row
    per sample and depends on that sample alone.
    """

    #: Its name in messages.
    name: str

    @abstractmethod
    def outputs(self, returned: Any, count: int) -> Any:
        """The outputs extracted from the return value of a network for `count` images.

        Raises
        ------
        UsageError
            If the return value has another form; one sentence that says what is expected.
        """

    @abstractmethod
    def columns(self, outputs: Any) -> Tensor:
        """The part of the outputs that a result keeps, floating point ``(B, K)``; not finite where an output is not."""

    @abstractmethod
    def success(self, outputs: Any, samples: Samples) -> Tensor:
        """Whether the outputs are `samples.targets` or, without targets, anything but `samples.y`. Bool ``(B,)``."""

    @abstractmethod
    def margin(self, outputs: Any, samples: Samples) -> Tensor:
        """The attacker's margin ``(B,)``: above 0 on success, below 0 otherwise. Differentiable if the outputs are."""

    def loss(self, outputs: Any, samples: Samples) -> Tensor:
        """The loss ``(B,)`` maximised by attacks that define none: the margin, unless the task has a better one."""
        return self.margin(outputs, samples)

    @abstractmethod
    def checked(self, samples: Samples, bounds: Bounds) -> Samples:
        """The samples with images, `y` and `targets` validated and converted for the other methods.

        Raises
        ------
        UsageError
            If they are invalid; one sentence that says what is expected.
        """

    def check_columns(self, columns: Tensor, samples: Samples) -> None:
        """Raise `UsageError` if `y` or `targets` do not exist in these columns, such as an unknown class."""
        return
