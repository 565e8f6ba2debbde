"""A model with input transforms."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor

from robustkit.contracts.model import Model
from robustkit.contracts.preprocessor import Preprocessor


class DefendedModel(Model):
    """A model with input transforms, attacked as a whole: gradients go through the transforms."""

    def __init__(self, model: Model, defenses: tuple[Preprocessor, ...]) -> None:
        super().__init__(
            model.net,
            bounds=model.bounds,
            mean=model.mean,
            std=model.std,
            spec=model.spec,
            name=model.name,
            classes=model.classes,
            device=model.device,
            batch_size=model.batch_size,
            draws=model.draws,
            knowledge=model.knowledge,
            criterion=model.criterion,
        )
        self.defenses = defenses
        self._undefended = model.undefended
        if model.twin is not None:
            self.twin = DefendedModel(model.twin, defenses)

    @property
    def undefended(self) -> Model:
        return self._undefended

    @property
    def dtype(self) -> torch.dtype:
        return self._undefended.dtype

    @property
    def parameters(self) -> int:
        return self._undefended.parameters

    def outputs(self, x: Tensor) -> Any:
        return self._undefended.outputs(self._transformed(x))

    def preprocess(self, x: Tensor) -> Tensor:
        return self._undefended.preprocess(self._transformed(x))

    def held(self) -> AbstractContextManager[None]:
        return self._undefended.frozen()

    def to_device(self, device: str | torch.device) -> None:
        super().to_device(device)
        self._undefended.to_device(device)

    def with_net(self, net: Any) -> Self:
        copied = super().with_net(net)
        copied._undefended = self._undefended.with_net(net)
        return copied

    def with_draws(self, draws: int) -> Self:
        more = super().with_draws(draws)
        if more is not self:
            more._undefended = self._undefended.with_draws(draws)
        return more

    def _transformed(self, x: Tensor) -> Tensor:
        for defense in self.defenses:
            x = defense(x, self.bounds)
        return x
