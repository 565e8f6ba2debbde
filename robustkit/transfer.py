"""Transfer attacks: adversarial images generated on surrogates and verified on the model under test."""

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
"""One or several surrogates, each a model or its name; a text may join several names with ``+``."""

S = TypeVar("S", bound=State)


@dataclass(frozen=True, kw_only=True)
class TransferAttack(IterativeAttack[S]):
    """An iterative attack that can run on surrogates instead of the model under test.

    Without surrogates it attacks the model itself. With surrogates every sample takes all steps on them, and only the final
    image is tested on the model, which costs two forward passes and no backward pass. The surrogates' passes are not
    counted, because they are not queries of the model.

    Parameters
    ----------
    surrogate
        Models to attack through the mean of their logits; None attacks the model itself.
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
                f"queries={threat.queries} of threat {threat.id!r} is below the {least} of a transfer attack (clean "
                "pass and verification): give more"
            )

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        """Passes per survivor; with surrogates, only the clean pass and the verification."""
        return super().cost(threat, num_classes, draws) if self.surrogate is None else (2 * max(draws, self.eot), 0)

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        """The result of the attack; see `Attack.run`.

        Raises
        ------
        UsageError
            Also if a surrogate has another number of classes than the model, or cannot take its images.
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
            The number of classes that the surrogates must have.

        Raises
        ------
        UsageError
            If a surrogate has another number of classes, or cannot take the images.
        """
        assert self.surrogate is not None
        x = samples.x
        ensemble = Ensemble(load_surrogates(self.surrogate, x.device), bounds, x.device)
        alone = replace(self, surrogate=None)
        free = replace(threat, knowledge="white-box", queries=None)  # the attacker has full knowledge of the surrogates

        def part(rows: Tensor) -> tuple[Tensor]:
            return (perturb(alone, ensemble, samples.rows(rows), free, seed),)

        with ensemble.frozen(seed):
            ensemble.check_classes(x[:1], num_classes)
            rows, size = torch.arange(len(x), device=x.device), ensemble.chunk_size(x)
            return torch.cat([ensemble.in_chunks(part, rows[i : i + size], like=x)[0] for i in range(0, len(x), size)])


class Ensemble(Model):
    """Several models as one, by the mean of their logits. The models are not changed.

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
        """Raise `UsageError` if a member cannot take such images, or has another number of classes."""
        for member in self.members:
            try:
                found = self._ask(member, x).shape[1]
            except UsageError:
                raise
            except Exception as error:  # networks reject a size with any kind of error
                raise UsageError(
                    f"surrogate {member.name} cannot take images of shape {tuple(x.shape[1:])} ({first_line(error)}): choose one that "
                    "can"
                ) from error
            if found != num_classes:
                raise UsageError(
                    f"surrogate {member.name} has {found} classes, but the model under test has {num_classes}: choose a surrogate "
                    "with the same classes"
                )


def load_surrogates(surrogate: Surrogates, device: torch.device) -> tuple[Model, ...]:
    """The surrogate models; models given by name are loaded once and cached.

    Raises
    ------
    UsageError
        If a name is unknown.
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
