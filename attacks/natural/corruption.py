"""Worst case over the common corruptions (Hendrycks and Dietterich, arXiv 1903.12261)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.crossing import sent
from robustkit.plugin import AttackInfo, Batch, IterativeAttack, Response, SampleRandom, State, Threat, UsageError
from robustkit.threats import CorruptionThreat
from robustkit.threats.corruption import DRAWS


@dataclass(frozen=True, kw_only=True)
class WorstCorruption(IterativeAttack[State]):
    """Tries every corruption of the threat's severity, one query each, until one is misclassified.

    Parameters
    ----------
    draws
        Number of tries per corruption, with different random numbers. A threat with a single corruption gets at least two.
    """

    draws: int = 1
    steps: int = field(default=1, init=False)

    needs_gradient: ClassVar[bool] = False
    info: ClassVar[AttackInfo] = AttackInfo(
        name="corruption",
        threats=("corruption",),
        knowledge="decision",
        targeted=True,
        cost="draws * corruptions + 1 forwards",
        paper="Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, arXiv 1903.12261",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 1:
            raise UsageError(f"draws={self.draws} must be at least 1")

    def attempt_steps(self, threat: Threat) -> int:
        assert isinstance(threat, CorruptionThreat)
        return max(1, self.draws * len(threat.kinds) - 1)

    def start(self, batch: Batch) -> State:
        return self._try(batch, torch.zeros(len(batch.x), dtype=torch.int64))

    def step(self, batch: Batch, state: State, response: Response) -> State:
        return self._try(batch, response.taken + 1)

    def _try(self, batch: Batch, number: Tensor) -> State:
        """The state for the corruptions with these numbers, ``(B,)`` in host memory."""
        threat = batch.threat
        assert isinstance(threat, CorruptionThreat)
        # The first corruption comes last: it is noise, which changes every image.
        which = (number + 1) % len(threat.kinds)
        random, ids = SampleRandom(batch.random.seed, DRAWS), batch.sample_ids
        return State(
            x_adv=threat.transform(batch.x, which, batch.bounds, random, ids, sent(number, ids.device)),
            witness=threat.witness(sent(which, ids.device), sent(number, ids.device), ids, random.seed),
        )
