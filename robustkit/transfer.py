"""Transfer attacks: images made on other models, the surrogates, and judged by the model under test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult
from robustkit.contracts.samples import Samples
from robustkit.engine.judge import judge
from robustkit.engine.stepping import State
from robustkit.errors import UsageError, first_line
from robustkit.iterative import IterativeAttack
from robustkit.perturb import perturb
from robustkit.projections import Bounds
from robustkit.threats import Knowledge, Threat

Surrogates = str | Model | tuple[str | Model, ...]
"""Models to make images on: one or several, each a model or its name; a text may join several names with ``+``."""

S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class TransferAttack(IterativeAttack[S]):
    """An iterative attack that can run on surrogates in the place of the model under test.

    Without surrogates it is an attack on the model itself. With them every sample takes all steps on the surrogates, and the
    last image is put to the model once: it costs the model two forward passes and no backward pass. The surrogates' own
    passes are not counted, for they are no queries of the model.

    Parameters
    ----------
    surrogate
        Models that the images are made on, by the mean of their logits; None attacks the model itself.
    """

    surrogate: Surrogates | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = {"arbitrary_types_allowed": True}

    @property
    def knowledge(self) -> Knowledge:
        return self.info.knowledge if self.surrogate is None else "transfer"

    def check_queries(self, threat: Threat, draws: int) -> None:
        least = 2 * max(draws, self.eot)
        if self.surrogate is None:
            super().check_queries(threat, draws)
        elif threat.queries is not None and threat.queries < least:
            raise UsageError(
                f"queries={threat.queries} of threat {threat.id!r} is below the {least} of a transfer attack, the clean "
                "pass and the verification: give more"
            )

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        """Passes of a survivor; with surrogates, the clean pass and the verification alone."""
        return super().cost(threat, num_classes, draws) if self.surrogate is None else (2 * max(draws, self.eot), 0)

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """Attack samples; see `Attack.run`.

        Raises
        ------
        UsageError
            Also if a surrogate has other classes than the model, or cannot take its images.
        """
        if self.surrogate is None:
            return super().run(model, samples, threat, seed)

        def make(attacked: Samples, num_classes: int) -> Tensor:
            return self.craft(attacked, threat, model.bounds, num_classes, seed)

        return judge(model, samples, threat, make, seed=seed)

    def craft(self, samples: Samples, threat: Threat, bounds: Bounds, num_classes: int, seed: int = 0) -> Tensor:
        """The images ``(N, C, H, W)`` after all steps on the surrogates.

        Parameters
        ----------
        samples
            Images within `bounds`, labels and ids.
        num_classes
            What the surrogates must answer with.

        Raises
        ------
        UsageError
            If a surrogate has other classes, or cannot take the images.
        """
        assert self.surrogate is not None
        x = samples.x
        ensemble = Ensemble(load_surrogates(self.surrogate, x.device), bounds, x.device)
        alone = replace(self, surrogate=None)
        free = replace(threat, knowledge="white-box", queries=None)  # of the surrogates the attacker knows everything

        def part(rows: Tensor) -> tuple[Tensor]:
            return (perturb(alone, ensemble, samples.rows(rows), free, seed),)

        with ensemble.frozen(seed):
            ensemble.check_classes(x[:1], num_classes)
            rows, size = torch.arange(len(x), device=x.device), ensemble.chunk_size(x)
            return torch.cat([ensemble.in_chunks(part, rows[i : i + size], like=x)[0] for i in range(0, len(x), size)])


class Ensemble(Model):
    """Several models as one: the mean of their logits. They are left as they were.

    Parameters
    ----------
    members
        The models; each gets the images in its own bounds and on its own device.
    bounds, device
        Those of the images.
    """

    def __init__(self, members: tuple[Model, ...], bounds: Bounds, device: torch.device) -> None:
        super().__init__(bounds=bounds, name=" + ".join(member.name for member in members), device=device)
        self.members = members

    def __call__(self, x: Tensor) -> Tensor:
        return torch.stack([self._ask(member, x) for member in self.members]).mean(0)

    def _ask(self, member: Model, x: Tensor) -> Tensor:
        (low, high), (least, most) = self.bounds, member.bounds
        if (low, high) != (least, most):
            x = least + (x - low) * ((most - least) / (high - low))
        logits: Tensor = member(x.to(member.device))
        return logits.to(x.device)

    @contextmanager
    def frozen(self, seed: int | None = None) -> Iterator[None]:
        with ExitStack() as stack:
            for member in self.members:
                stack.enter_context(member.frozen(seed))
            yield

    def chunk_size(self, x: Tensor) -> int:
        return min(self._fits, *(member.chunk_size(x) for member in self.members))

    def check_classes(self, x: Tensor, num_classes: int) -> None:
        """Raise `UsageError` if a member cannot take such images, or answers with another number of classes."""
        for member in self.members:
            try:
                found = self._ask(member, x).shape[1]
            except UsageError:
                raise
            except Exception as error:  # networks refuse a size by any kind of error
                raise UsageError(
                    f"surrogate {member.name} cannot take images of shape {tuple(x.shape[1:])} ({first_line(error)}): choose one that "
                    "can"
                ) from error
            if found != num_classes:
                raise UsageError(
                    f"surrogate {member.name} has {found} classes and the model under test {num_classes}: choose a surrogate "
                    "of the same classes"
                )


def load_surrogates(surrogate: Surrogates, device: torch.device) -> tuple[Model, ...]:
    """The models meant; a name is loaded once and then kept.

    Raises
    ------
    UsageError
        If there is no model of a name.
    """
    parts = surrogate if isinstance(surrogate, tuple) else (surrogate,)
    if not parts:
        raise UsageError("surrogate=() names no model: give at least one, or None to attack the model itself")
    models: list[Model] = []
    for each in parts:
        models += [each] if isinstance(each, Model) else [_loaded(name.strip(), str(device)) for name in each.split("+")]
    return tuple(models)


@lru_cache(maxsize=8)
def _loaded(name: str, device: str) -> Model:
    from robustkit.models.load import load_model

    return load_model(name, device=device)
