"""Adversarial recipes whose eps grows during the first part of the training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from robustkit.plugin import NormThreat, Recipe, Threat, TrainingBatch, UsageError


@dataclass(frozen=True, kw_only=True)
class WarmUp(Recipe):
    """A recipe whose eps increases linearly from 0; without this, training against a large eps may fail to start.

    Parameters
    ----------
    warmup
        Share of the training during which eps increases.
    """

    warmup: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < 1:
            raise UsageError(
                f"warmup={self.warmup} must be at least 0 and below 1: it is the share of training with growing eps"
            )

    def check(self, threat: Threat | None) -> None:
        super().check(threat)
        if self.warmup and not isinstance(threat, NormThreat):
            raise UsageError(f"warmup={self.warmup} needs a threat with an eps, such as linf:8/255, not {threat}: omit it")

    def warmed(self, batch: TrainingBatch) -> TrainingBatch:
        """The batch with the eps of the moment."""
        progress = max(batch.progress, 1e-3)  # an eps is above 0
        if progress >= self.warmup:
            return batch
        assert isinstance(batch.threat, NormThreat)
        return replace(batch, threat=batch.threat.with_eps(batch.threat.eps * progress / self.warmup))
