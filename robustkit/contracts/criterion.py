"""What counts as success, as a value: attacks, engine and verification ask it and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor

from robustkit.contracts.samples import Samples
from robustkit.projections import Bounds


class Criterion(ABC):
    """How the outputs of a model are understood. A model has one: ``Model(net, criterion=...)``.

    The outputs of a batch may be a tensor or nested lists and dicts of tensors. Everything that is computed of them has one row
    a sample, and looks at that sample alone.
    """

    #: What messages call it.
    name: str

    @abstractmethod
    def outputs(self, returned: Any, count: int) -> Any:
        """The outputs in what a network returned for `count` images.

        Raises
        ------
        UsageError
            If it returned something else, in one sentence that says what is expected.
        """

    @abstractmethod
    def columns(self, outputs: Any) -> Tensor:
        """What a result keeps of the outputs, floating point ``(B, K)``; not finite where an output is not."""

    @abstractmethod
    def success(self, outputs: Any, samples: Samples) -> Tensor:
        """Whether the attacker has what it wants: `samples.targets`, or without targets anything but `samples.y`. Bool ``(B,)``."""

    @abstractmethod
    def margin(self, outputs: Any, samples: Samples) -> Tensor:
        """How far the attacker leads, ``(B,)``: above 0 with success, below without. Differentiable, if the outputs are."""

    def loss(self, outputs: Any, samples: Samples) -> Tensor:
        """What an attack climbs if it has no loss of its own, ``(B,)``: the margin, unless the task has a better one."""
        return self.margin(outputs, samples)

    @abstractmethod
    def checked(self, samples: Samples, bounds: Bounds) -> Samples:
        """The samples with images, `y` and `targets` as the other methods expect them.

        Raises
        ------
        UsageError
            If they do not fit, in one sentence that says what would.
        """

    def check_columns(self, columns: Tensor, samples: Samples) -> None:
        """Raise `UsageError` if `y` or `targets` name what these columns of the model's answer do not have."""
        return
