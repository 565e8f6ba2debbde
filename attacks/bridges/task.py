"""A batch for another library to attack, and the model wrapped as a network that counts passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from robustkit.gradients import is_broken
from robustkit.plugin import Model, UsageError


class Metered(nn.Module):
    """A model wrapped as a network for another library, on images in [0, 1]; the model counts its passes.

    The user's network is not a submodule, so the library cannot change its mode, parameters or hooks.

    Parameters
    ----------
    model
        The model.
    most
        Maximum value of the model's count of forward passes; None for no limit.
    why
        Error message if the limit is exceeded.

    Attributes
    ----------
    broken
        Number of images with non-finite gradients.
    """

    def __init__(self, model: Model, most: int | None, why: str) -> None:
        super().__init__()
        self.model, self.most, self.why = model, most, why
        self.broken = torch.zeros((), dtype=torch.int64, device=model.device)
        self.place = nn.Parameter(torch.zeros((), device=model.device), requires_grad=False)  # gives torchattacks the device

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, C, H, W)`` in [0, 1]; for a randomised model, their mean over its draws."""
        draws = self.model.draws
        if self.most is not None and self.model.forwards + draws * len(x) > self.most:
            raise UsageError(self.why)
        low, high = self.model.bounds
        x = low + (high - low) * x
        if x.requires_grad:
            x.register_hook(self._look)  # type: ignore[no-untyped-call]
        logits: Tensor = self.model(x)
        for _ in range(draws - 1):
            logits = logits + self.model(x)
        return logits if draws == 1 else logits / draws

    def _look(self, grad: Tensor) -> None:
        self.broken = self.broken + is_broken(grad).sum()


@dataclass(frozen=True)
class Task:
    """One batch of images to attack. Images are float32 in [0, 1], whatever the model's bounds.

    Parameters
    ----------
    network
        The network to attack.
    x, y, targets
        Images ``(B, C, H, W)``, labels and, for a targeted threat, target classes ``(B,)``.
    norm, eps
        The budget, in the unit of these images.
    num_classes
        Number of classes.
    seed
        Seed for libraries that set random states themselves.
    """

    network: Metered
    x: Tensor
    y: Tensor
    targets: Tensor | None
    norm: str
    eps: float
    num_classes: int
    seed: int

    def each(self) -> Iterator[Task]:
        """One task per image."""
        for i in range(len(self.x)):
            targets = None if self.targets is None else self.targets[i : i + 1]
            yield replace(self, x=self.x[i : i + 1], y=self.y[i : i + 1], targets=targets)


def share(passes: int, x: Tensor) -> Tensor:
    """The passes of a batch divided among its samples, integers ``(B,)`` with the sum `passes`."""
    each, rest = divmod(passes, len(x))
    return each + (torch.arange(len(x), device=x.device) < rest).long()
