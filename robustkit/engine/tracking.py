"""What the driver tracks for each attempt in a slot: counters and its best query."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.contracts.answer import Answer, least_lead
from robustkit.contracts.rows import Rows
from robustkit.engine.stepping import Batch
from robustkit.projections import per_sample
from robustkit.threats import NormThreat, Threat, in_box


@dataclass(kw_only=True)
class Track(Rows):
    """Counters and best query of each attempt, one row per slot."""

    row: Tensor  #: index of the sample in the caller's tensors
    queries: Tensor  #: number of forward passes in the search
    backwards: Tensor
    found: Tensor
    failed: Tensor  #: the model returned NaN or infinity
    first_success: Tensor
    zero_gradients: Tensor  #: number of backward passes whose gradient vanished or was not finite
    witness_best: Tensor | None = None  #: the parameters that `x_best` was rendered from
    x_best: Tensor  #: the first success, else the admissible query with the greatest margin
    margin_best: Tensor
    columns_best: Tensor
    over: Tensor  #: the attempt ended before its last step
    nearest: Tensor  #: the nearest adversarial image of a minimum-norm attack; empty ``(B, 0)`` for others
    nearest_distance: Tensor

    @staticmethod
    def begin(row: Tensor, x: Tensor, columns: Tensor, *, minimizes: bool) -> Track:
        """The track of new attempts on samples `row`, with clean images `x` and their `columns`."""
        integers, nothing = torch.zeros_like(row), torch.zeros_like(row, dtype=torch.bool)
        return Track(
            row=row,
            queries=integers,
            backwards=integers,
            found=nothing,
            failed=nothing,
            first_success=integers - 1,
            zero_gradients=integers,
            x_best=x,
            margin_best=torch.full_like(x[:, 0, 0, 0], -torch.inf),
            columns_best=columns,
            over=nothing,
            nearest=x if minimizes else x.new_empty(len(x), 0),
            nearest_distance=torch.full_like(x[:, 0, 0, 0], torch.inf),
        )

    def note(
        self, batch: Batch, x_seen: Tensor, witness: Tensor | None, seen: Answer, asked: Tensor, draws: int, *, minimizes: bool
    ) -> None:
        """Record a query for the `asked` rows: keep the first success, otherwise the admissible image with the greatest margin."""
        finite = seen.finite
        if minimizes:
            # An image exactly on the decision boundary may be on either side in the next pass.
            clear = asked & finite & seen.success & (seen.margin > least_lead(seen.columns))
            admissible = self._approach(batch, x_seen, clear) & finite
        else:
            admissible = finite & batch.threat.plausible(batch.x, x_seen, batch.bounds)
        searching = asked & ~self.found
        margin = torch.where(admissible, seen.margin, -torch.inf).to(x_seen.dtype)
        hit = searching & admissible & seen.success
        better = hit | (searching & (margin > self.margin_best))
        self.x_best = torch.where(per_sample(better, x_seen), x_seen, self.x_best)
        if witness is not None and self.witness_best is not None:
            self.witness_best = torch.where(better[:, None], witness, self.witness_best)
        self.margin_best = torch.where(better, margin, self.margin_best)
        self.columns_best = torch.where(better[:, None], seen.columns, self.columns_best)
        self.first_success = torch.where(hit, self.queries - draws, self.first_success)
        self.found = self.found | hit
        self.failed = self.failed | ~finite

    def _approach(self, batch: Batch, x_seen: Tensor, adversarial: Tensor) -> Tensor:
        """Keep adversarial images that are nearer than the previous ones; return which queries are within eps."""
        threat: Threat = batch.threat
        assert isinstance(threat, NormThreat)
        distance = threat.distance(batch.x, x_seen)
        boxed = in_box(x_seen, batch.bounds)
        nearer = adversarial & boxed & (distance < self.nearest_distance)
        self.nearest = torch.where(per_sample(nearer, x_seen), x_seen, self.nearest)
        self.nearest_distance = torch.where(nearer, distance, self.nearest_distance)
        return boxed & threat.within_eps(batch.x, distance, batch.bounds)
