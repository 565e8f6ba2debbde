"""A given sticker whose place and rotation are searched by differential evolution (Wei et al., arXiv 2104.06728)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from robustkit.attacks.physical.patch_control import Fill, filled
from robustkit.attacks.score.random_search import search_loss
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, PatchThreat, Response, SampleRandom, State, UsageError
from robustkit.rendering import PlacementRange, blank_patch, render

#: Weight of a difference of two members in a trial.
WEIGHT = 0.5


@dataclass(kw_only=True)
class StickerPositionState(State):
    """State of a differential evolution.

    Parameters
    ----------
    members
        ``(B, P, 3)``: shares of the ranges of rotation, x and y.
    losses
        ``(B, P)``: the loss of each member, ``-inf`` if it was not tried.
    asked
        ``(B, 3)``: the placement of `x_adv`.
    """

    members: Tensor
    losses: Tensor
    asked: Tensor


@dataclass(frozen=True, kw_only=True)
class StickerPosition(IterativeAttack[StickerPositionState]):
    """Every query tries one placement: first those of a population, then a trial that replaces its member if it is better.

    A trial is its member moved towards the best one and by the difference of two others, so that the search stays in the regions
    that mislead the model. The first population are the placements that `patch-control` tries.

    Parameters
    ----------
    steps
        Number of queries.
    population
        Number of placements that are kept.
    texture
        ``white``, ``black``, ``grey``, ``random`` (random texels) or an opaque picture file, stretched over the sticker.
    rotation
        Maximum rotation in either direction, in degrees, 0 to 180.
    """

    steps: int = 200
    population: int = 20
    texture: str | Tensor = "white"
    rotation: float = 0.0

    __pydantic_config__: ClassVar[dict[str, Any]] = {"arbitrary_types_allowed": True}

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="sticker-position",
        threats=("patch",),
        knowledge="score",
        targeted=True,
        cost="steps + 2 forwards",
        paper="Adversarial Sticker: A Stealthy Attack Method in the Physical World, arXiv 2104.06728",
        any_criterion=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.population < 4:
            raise UsageError(f"population={self.population} must be at least 4: a trial combines four members")
        if not 0 <= self.rotation <= 180:
            raise UsageError(f"rotation={self.rotation} must be between 0 and 180 degrees")
        if isinstance(self.texture, str) and self.texture not in get_args(Fill):
            object.__setattr__(self, "texture", picture(self.texture))

    def loss(self, batch: Batch, state: State, logits: Tensor) -> Tensor:
        return search_loss(batch, logits)

    def start(self, batch: Batch) -> StickerPositionState:
        random = SampleRandom(batch.random.seed, "sticker")
        drawn = torch.stack([PlacementRange.shares(batch.sample_ids, random, k) for k in range(self.population)], dim=1)
        members = torch.cat([drawn[..., :1], drawn[..., 3:]], dim=2)
        return StickerPositionState(
            x_adv=self._put(batch, members[:, 0]),
            members=members,
            losses=torch.full(members.shape[:2], -torch.inf, dtype=torch.float64, device=members.device),
            asked=members[:, 0],
        )

    def step(self, batch: Batch, state: StickerPositionState, response: Response) -> StickerPositionState:
        row = torch.arange(len(response.step), device=batch.x.device)
        member = response.step % self.population
        better = response.loss > state.losses[row, member]
        losses, members = state.losses.clone(), state.members.clone()
        losses[row, member] = torch.where(better, response.loss.double(), losses[row, member])
        members[row, member] = torch.where(better[:, None], state.asked, members[row, member])

        ahead = response.step + 1
        member = ahead % self.population
        u = batch.random.uniform(batch.sample_ids, (3,), attempt=batch.attempt, step=ahead, dtype=torch.float64)
        one, other = ((u[:, i] * self.population).long() for i in (0, 1))
        now = members[row, member]
        pull = members[row, losses.argmax(1)] - now
        trial = now + u[:, 2:] * pull + WEIGHT * (members[row, one] - members[row, other])
        # Reflected at the ends of the ranges, where clipped trials would gather.
        trial = 1 - (trial.abs() - 1).abs()
        asked = torch.where((ahead < self.population)[:, None], now, trial.clamp(0, 1 - 1e-6))
        return replace(state, x_adv=self._put(batch, asked), members=members, losses=losses, asked=asked)

    def _put(self, batch: Batch, shares: Tensor) -> Tensor:
        threat = batch.threat
        assert isinstance(threat, PatchThreat)
        turn, x, y = shares.unbind(1)
        placed = torch.stack([turn, torch.ones_like(x), torch.full_like(x, 0.5), x, y], dim=1)
        placement = PlacementRange(rotation=self.rotation).at(threat, batch.x, placed)
        return render(batch.x, self._sticker(batch, threat), threat.shape, placement, batch.bounds)[0]

    def _sticker(self, batch: Batch, threat: PatchThreat) -> Tensor:
        if isinstance(self.texture, str):
            return filled(self.texture, threat, batch.x, batch.bounds, batch.random.seed)  # type: ignore[arg-type]
        low, high = batch.bounds
        blank = blank_patch(threat, batch.x, batch.bounds)
        given = self.texture.to(blank)
        given = given.mean(0, keepdim=True) if len(blank) == 1 else given
        if len(given) != len(blank):
            raise UsageError(
                f"a picture has three channels, but the images have {len(blank)}: give texture= a colour such as white"
            )
        shown = functional.interpolate(given[None], size=blank.shape[1:], mode="bilinear", antialias=True)[0]
        return (low + (high - low) * shown).clamp(low, high)


def picture(path: str) -> Tensor:
    """The picture in a file as ``(3, h, w)`` in [0, 1].

    Raises
    ------
    UsageError
        If there is no picture, or it has transparent pixels.
    """
    if not Path(path).is_file():
        raise UsageError(f"texture={path!r} is neither a file nor one of {', '.join(get_args(Fill))}")
    try:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGBA"))
    except (OSError, ValueError) as error:
        raise UsageError(f"texture={path!r} cannot be read as a picture: {error}") from error
    if (pixels[..., 3] < 255).any():
        raise UsageError(
            f"texture={path!r} has transparent pixels, but the threat's sticker is opaque: flatten the picture first"
        )
    return torch.from_numpy(pixels[..., :3].copy()).permute(2, 0, 1).float() / 255
