"""One batch for another library to attack, and the model as a network whose passes are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from robustkit.gradients import is_broken
from robustkit.plugin import Model, UsageError


class Metered(nn.Module):
    """A model as a network for another library, on images in [0, 1], whose passes the model counts.

    The user's network is not among its submodules, so that nothing a library does to modes, parameters and hooks reaches it.

    Parameters
    ----------
    model
        The model.
    most
        The forward passes there may be in all, by the model's count; None for no limit.
    why
        What to say when there are more.

    Attributes
    ----------
    broken
        How many images' gradients were not finite.
    """

    def __init__(self, model: Model, most: int | None, why: str) -> None:
        super().__init__()
        self.model, self.most, self.why = model, most, why
        self.broken = torch.zeros((), dtype=torch.int64, device=model.device)
        self.place = nn.Parameter(torch.zeros((), device=model.device), requires_grad=False)  # torchattacks asks for a device

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, C, H, W)`` in [0, 1]; of a randomised model their mean over its draws."""
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
        What to attack.
    x, y, targets
        Images ``(B, C, H, W)``, labels and, for a targeted threat, wanted classes ``(B,)``.
    norm, eps
        The budget in the unit of these images.
    num_classes
        K.
    seed
        For libraries that set random states themselves.
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
        """The images one by one."""
        for i in range(len(self.x)):
            targets = None if self.targets is None else self.targets[i : i + 1]
            yield replace(self, x=self.x[i : i + 1], y=self.y[i : i + 1], targets=targets)


def share(passes: int, x: Tensor) -> Tensor:
    """Passes of a batch dealt out to its samples, ``(B,)`` integers that add up to all of them."""
    each, rest = divmod(passes, len(x))
    return each + (torch.arange(len(x), device=x.device) < rest).long()
