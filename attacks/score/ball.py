"""A cheap projection into the ball and the box for query-based attacks."""

from __future__ import annotations

from torch import Tensor

from robustkit.plugin import Batch, NormThreat, per_sample
from robustkit.threats import norm_of


def to_ball(batch: Batch, x_adv: Tensor) -> Tensor:
    """`x_adv` projected into the ball and the box: exact for linf; for l2, scaled to the ball and then clipped."""
    threat = batch.threat
    assert isinstance(threat, NormThreat)
    if threat.norm == "linf":
        return threat.project(batch.x, x_adv, batch.bounds)
    delta = x_adv - batch.x
    share = (threat.eps / norm_of(delta, "l2").clamp_min(1e-12)).clamp_max(1)
    return (batch.x + delta * per_sample(share, delta)).clamp(*batch.bounds)
