"""Rotation and translation of the image, by grid or random search (Engstrom et al., arXiv 1712.02779)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from robustkit.crossing import constant
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, Response, State, Threat
from robustkit.threats import SpatialThreat

#: Rotations, and translations per axis, in the paper's grid of 775 points; other grids keep this ratio.
ROTATIONS, TRANSLATIONS = 31, 5


@cache
def grid(points: int, translating: bool) -> tuple[tuple[float, float, float], ...]:
    """An even grid of at most `points` triples (rotation, right, down) in [-1, 1], from the farthest to the nearest to
    (0, 0, 0), the identity, which is excluded."""
    translations = max(1, round((points * TRANSLATIONS / ROTATIONS) ** (1 / 3))) if translating else 1
    rotations = max(2, points // translations**2)
    axis = np.linspace(-1, 1, translations) if translations > 1 else np.zeros(1)
    found = [p for p in product(np.linspace(-1, 1, rotations).tolist(), axis.tolist(), axis.tolist()) if any(p)]
    return tuple(sorted(found, key=lambda p: -sum(part**2 for part in p)))


@dataclass(frozen=True, kw_only=True)
class RotationTranslation(IterativeAttack[State]):
    """Tries rotations and translations within the threat until one is misclassified.

    Parameters
    ----------
    steps
        Transformations after the first one. A grid has at most ``steps + 1`` points; the default is the paper's grid of 31
        rotations by 5 x 5 translations. The paper's worst-of-10 is ``search=random,steps=9``.
    search
        ``grid``: from the corners inwards; ``random``: independent uniform draws.
    """

    steps: int = ROTATIONS * TRANSLATIONS**2 - 1
    search: Literal["grid", "random"] = "grid"

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="rotation-translation",
        threats=("spatial",),
        knowledge="decision",
        targeted=True,
        cost="steps + 2 forwards (grid: at most)",
        paper="Exploring the Landscape of Spatial Robustness, arXiv 1712.02779",
    )

    def attempt_steps(self, threat: Threat) -> int:
        return self.steps if self.search == "random" else max(1, len(self._grid(threat)) - 1)

    def start(self, batch: Batch) -> State:
        return self._try(batch, torch.zeros_like(batch.sample_ids))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        return self._try(batch, response.step + 1)

    def _grid(self, threat: Threat) -> tuple[tuple[float, float, float], ...]:
        assert isinstance(threat, SpatialThreat)
        return grid(self.steps + 1, threat.translate > 0)

    def _try(self, batch: Batch, number: Tensor) -> State:
        threat = batch.threat
        assert isinstance(threat, SpatialThreat)
        if self.search == "grid":
            places = constant(self._grid(threat), batch.x, torch.float64)[number]
        else:
            places = 2 * batch.random.uniform(batch.sample_ids, (3,), step=number, dtype=torch.float64) - 1
        most = constant([high for _, high in threat.ranges], places)
        return State(x_adv=threat.transform(batch.x, places * most, batch.bounds), witness=places * most)
