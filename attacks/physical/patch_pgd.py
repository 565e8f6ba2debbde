"""One sticker for each image: its place is searched, and its texture found by signed gradient steps.

The texture is LaVAN's (Karmon et al., arXiv 1801.02608), the search of the place that of the rectangular occlusion attack (Wu et
al., arXiv 1909.09552).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from robustkit.attacks.physical.places import candidate
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, PatchThreat, Response, State, Threat, UsageError, per_sample
from robustkit.rendering import cover


@dataclass(kw_only=True)
class PatchPGDState(State):
    """State of a search of place and texture.

    Parameters
    ----------
    under
        ``(B, 1, H, W)``: the pixels under the sticker.
    number
        ``(B,)``: the number of its placement.
    best
        ``(B,)``: the number of the placement with the greatest margin so far.
    margin_best
        ``(B,)``: that margin.
    """

    under: Tensor
    number: Tensor
    best: Tensor
    margin_best: Tensor


@dataclass(frozen=True, kw_only=True)
class PatchPGD(IterativeAttack[PatchPGDState]):
    """Signed gradient steps on the margin, of linearly decreasing length, on all pixels under a hard-edged sticker.

    A grey sticker is tried at every placement first; the place where it raises the attacker's margin most is kept. The placements
    depend only on the seed and the sample id, and are those of `patch-control` with the same number of placements. With a single
    one, attack and control are compared at the same random place.

    Parameters
    ----------
    steps
        Gradient steps per restart.
    placements
        Number of placements tried. Every restart tries its share of them.
    restarts
        Number of restarts, from other textures.
    step_size
        Length of the first step, as a fraction of the bounds' width.
    """

    steps: int = 40
    placements: int = 1
    restarts: int = 1
    step_size: float = 0.25

    info: ClassVar[AttackInfo] = AttackInfo(
        name="patch-pgd",
        threats=("patch",),
        knowledge="white-box",
        targeted=True,
        cost="restarts * (ceil(placements / restarts) + steps + 1) + 1 forwards (without a search of one placement), "
        "restarts * steps backwards",
        paper="LaVAN: Localized and Visible Adversarial Noise, arXiv 1801.02608; Defending Against Physically Realizable Attacks on "
        "Image Classification, arXiv 1909.09552",
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("placements", "restarts"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} must be at least 1")
        if not 0 < self.step_size <= 1:
            raise UsageError(f"step_size={self.step_size} must be above 0 and at most 1, a fraction of the bounds' width")

    @property
    def probes(self) -> int:
        """Number of placements that each restart tries in grey before its gradient steps."""
        return math.ceil(self.placements / self.restarts) if self.placements > 1 else 0

    def attempts(self, threat: Threat, num_classes: int) -> int:
        return self.restarts

    def attempt_steps(self, threat: Threat) -> int:
        return self.probes + self.steps

    def cost(self, threat: Threat, num_classes: int, draws: int = 1) -> tuple[int, int]:
        return super().cost(threat, num_classes, draws)[0], max(draws, self.eot) * self.restarts * self.steps

    def follows(self, taken: Tensor) -> Tensor:
        return taken >= self.probes

    def loss(self, batch: Batch, state: State, logits: Any) -> Tensor:
        return batch.criterion.margin(logits, batch.samples)

    def start(self, batch: Batch) -> PatchPGDState:
        first = batch.attempt % self.placements
        under = under_sticker(batch, first)
        shade = self._grey(batch) if self.probes else self._texture(batch)
        return PatchPGDState(
            x_adv=torch.where(under, shade, batch.x),
            under=under,
            number=first,
            best=first,
            margin_best=torch.full_like(batch.x[:, 0, 0, 0], -torch.inf),
        )

    def step(self, batch: Batch, state: PatchPGDState, response: Response) -> PatchPGDState:
        low, high = batch.bounds
        length = self.step_size * (high - low) * (1 - (response.step - self.probes).clamp_min(0) / self.steps)
        ascended = state.x_adv + per_sample(length.to(batch.x), batch.x) * response.grad.sign()
        state = replace(state, x_adv=torch.where(state.under, ascended.clamp(low, high), batch.x))
        searching = response.taken < self.probes
        return self._search(batch, state, response) if bool(searching.any()) else state

    def _search(self, batch: Batch, state: PatchPGDState, response: Response) -> PatchPGDState:
        """The state with the sticker at the next placement, or after the last one at the best; unchanged if that is long past."""
        ahead = response.step + 1
        better = (ahead <= self.probes) & (response.margin > state.margin_best)
        best = torch.where(better, state.number, state.best)
        margin_best = torch.where(better, response.margin.to(state.margin_best.dtype), state.margin_best)
        number = torch.where(ahead < self.probes, (batch.attempt + ahead * self.restarts) % self.placements, best)
        under = under_sticker(batch, number)
        shade = torch.where(per_sample(ahead < self.probes, batch.x), self._grey(batch), self._texture(batch))
        placed = torch.where(under, shade, batch.x)
        x_adv = torch.where(per_sample(ahead <= self.probes, batch.x), placed, state.x_adv)
        return replace(state, x_adv=x_adv, under=under, number=number, best=best, margin_best=margin_best)

    def _grey(self, batch: Batch) -> Tensor:
        return torch.full_like(batch.x, sum(batch.bounds) / 2)

    def _texture(self, batch: Batch) -> Tensor:
        low, high = batch.bounds
        shape = tuple(batch.x.shape[1:])
        drawn = batch.random.uniform(batch.sample_ids, shape, attempt=batch.attempt, stream="texture", dtype=batch.x.dtype)
        return low + (high - low) * drawn


def under_sticker(batch: Batch, number: Tensor) -> Tensor:
    """The pixels under the hard-edged sticker at a candidate placement, bool ``(B, 1, H, W)``."""
    assert isinstance(batch.threat, PatchThreat)
    return cover(batch.x, batch.threat.shape, candidate(batch, number)) > 0
