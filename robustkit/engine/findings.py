"""The findings of a search per sample: collected from finished attempts, verified at the end by a fresh pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from robustkit.contracts.answer import Answer, ask
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.samples import Samples
from robustkit.engine.stepping import Stepping
from robustkit.engine.tracking import Track
from robustkit.engine.verification import verify
from robustkit.projections import per_sample
from robustkit.threats import NormThreat, Threat, in_box


class Findings:
    """The findings for every sample of a search, one row each.

    Parameters
    ----------
    attack, model, samples, threat
        Those of the search.
    clean
        The model's answer for the clean images, which cost a pass; misclassified samples are not attacked.
    """

    def __init__(
        self,
        attack: Stepping[Any],
        model: Model,
        samples: Samples,
        threat: Threat,
        clean: Answer,
    ) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.clean = clean
        n, device = len(samples.x), samples.x.device
        self.candidates = samples.x.clone()
        self.fallback = samples.x.clone()
        #: The parameters that candidates and fallback were rendered from; None if the attack sets none.
        self.witness: Tensor | None = None
        self.fallback_witness: Tensor | None = None
        self.fallback_margin = torch.full((n,), -torch.inf, dtype=samples.x.dtype, device=device)
        self.fallback_columns = clean.columns.clone()
        self.status = torch.full((n,), int(Status.FAILED), device=device)
        self.status[clean.success] = int(Status.MISCLASSIFIED)
        self.status[~clean.finite] = int(Status.ERROR)
        self.found = torch.zeros(n, dtype=torch.bool, device=device)
        self.first_success = torch.full((n,), -1, device=device)
        self.nearest = samples.x.clone() if attack.minimizes else None
        self.nearest_distance = torch.full((n,), torch.inf, dtype=samples.x.dtype, device=device)
        self.forwards = torch.full((n,), model.draws, device=device)
        self.backwards, self.zero_gradients = torch.zeros_like(self.forwards), torch.zeros_like(self.forwards)

    def keep(self, track: Track, last_proposal: Tensor, last_witness: Tensor | None, asked: Tensor) -> None:
        """Store finished attempts: the first success on each sample, otherwise the attempt with the greatest margin.

        If nothing better was found, verification will judge the last attempt's last proposal.
        """
        earlier = self.forwards[track.row] - self.model.draws
        self.forwards.index_add_(0, track.row, track.queries)
        self.backwards.index_add_(0, track.row, track.backwards)
        self.zero_gradients.index_add_(0, track.row, track.zero_gradients)
        # In fixed-step mode misclassified samples are searched too; their results are not findings.
        row, attacked = track.row, self.status[track.row] == Status.FAILED

        def put(kept: Tensor, values: Tensor, where: Tensor) -> None:
            # All attempts on a sample write the same values, so that no synchronisation is needed to select one.
            kept[row] = torch.where(per_sample(where, values), values, kept[row])

        if self.nearest is not None:
            won = best_of_each(row, -track.nearest_distance)
            nearer = attacked & (track.nearest_distance[won] < self.nearest_distance[row])
            put(self.nearest, track.nearest[won], nearer)
            put(self.nearest_distance, track.nearest_distance[won], nearer)
        waiting = best_of_each(row, (~asked).to(track.margin_best))
        unasked = attacked & ~asked[waiting]
        put(self.candidates, last_proposal[waiting], unasked)
        if last_witness is not None:
            if self.witness is None or self.fallback_witness is None:
                self.witness = last_witness.new_zeros(len(self.found), *last_witness.shape[1:])
                self.fallback_witness = self.witness.clone()
            put(self.witness, last_witness[waiting], unasked)
        won = best_of_each(row, torch.where(track.found, torch.inf, track.margin_best))
        found = track.found[won]
        better = attacked & ~self.found[row] & (found | (track.margin_best[won] > self.fallback_margin[row]))
        put(self.fallback, track.x_best[won], better)
        if self.fallback_witness is not None and track.witness_best is not None:
            put(self.fallback_witness, track.witness_best[won], better)
        put(self.fallback_margin, track.margin_best[won], better)
        put(self.fallback_columns, track.columns_best[won], better)
        put(self.first_success, torch.where(found, earlier[won] + track.first_success[won], -1), better)
        put(self.found, found, better)
        failed = track.failed[best_of_each(row, track.failed.to(track.margin_best))]
        put(self.status, torch.where(self.found[row], int(Status.FAILED), int(Status.ERROR)), attacked & failed)

    def verified(self) -> AttackResult:
        """The result of the search, verified by a fresh pass of the original model in full precision."""
        self._choose()
        samples, draws = self.samples, self.model.draws
        searched = (self.status == Status.FAILED).nonzero().squeeze(1)
        x_adv = self.candidates
        columns = self.clean.columns.clone()
        if len(searched):
            part, x_adv_ = samples.rows(searched), x_adv[searched]
            witness = None if self.witness is None else self.witness[searched]
            verdict = verify(self.model, part, self.threat, x_adv_, witness)
            self.forwards[searched] += draws
            x, success, admissible = part.x, verdict.success, verdict.admissible
            found = self.found[searched]
            late = success & ~found
            self.first_success[searched] = torch.where(late, self.forwards[searched] - 2 * draws, self.first_success[searched])
            margin = torch.where(admissible, verdict.answer.margin, -torch.inf)
            # The clean image, where an attack starts from it, is not a best effort.
            moved = (self.fallback[searched] != x).flatten(1).any(1)
            fall_back = ~success & ~found & (self.fallback_margin[searched] > margin) & (moved | ~admissible)
            if draws > 1:  # for the same image, the fresh draws count and the earlier ones do not
                fall_back &= (self.fallback[searched] != x_adv_).flatten(1).any(1)
            x_adv[searched] = torch.where(per_sample(fall_back, x), self.fallback[searched], x_adv_)
            if self.witness is not None and self.fallback_witness is not None:
                self.witness[searched] = torch.where(
                    fall_back[:, None], self.fallback_witness[searched], self.witness[searched]
                )
            columns[searched] = torch.where(fall_back[:, None], self.fallback_columns[searched], verdict.answer.columns)
            status = torch.full_like(searched, int(Status.FAILED))
            status[found] = int(Status.UNCONFIRMED)
            status[success] = int(Status.FOUND)
            status[~verdict.answer.finite] = int(Status.ERROR)
            self.status[searched] = status
            if draws == 1:  # with several draws, a single majority is not a reported success
                self.found[searched] = found | late
        nearest, nearest_distance = self._verify_nearest(x_adv)
        return AttackResult(
            x_adv=x_adv,
            success=self.status == Status.FOUND,
            distance=self.threat.distance(samples.x, x_adv),
            nearest=nearest,
            nearest_distance=nearest_distance,
            forwards=self.forwards,
            backwards=self.backwards,
            first_success_step=self.first_success,
            status=self.status,
            reported=self.found,
            logits=columns,
            zero_gradients=self.zero_gradients,
            witness=self.witness,
        )

    def _verify_nearest(self, x_adv: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest adversarial images that a fresh pass confirms, and their distances, infinite if there is none."""
        samples, status = self.samples, self.status
        distance = torch.where(status == Status.FOUND, self.threat.distance(samples.x, x_adv), torch.inf)
        distance = torch.where(status == Status.MISCLASSIFIED, 0, distance)
        if self.nearest is None:
            return x_adv, distance
        beyond = ((status == Status.FAILED) | (status == Status.UNCONFIRMED)).nonzero().squeeze(1)
        if len(beyond):
            part, nearest = samples.rows(beyond), self.nearest[beyond]
            fresh = ask(self.model, nearest, part)
            self.forwards[beyond] += self.model.draws
            valid = fresh.success & fresh.finite & in_box(nearest, self.model.bounds)
            distance[beyond] = torch.where(valid, self.threat.distance(part.x, nearest), torch.inf)
        return torch.where(per_sample(status == Status.FAILED, x_adv), self.nearest, x_adv), distance

    def _choose(self) -> None:
        """Set the candidates for verification: the success found (of a minimum-norm attack the nearest), else the last proposal.

        With several draws, the query with the greatest mean margin instead of the last proposal.
        """
        settled = self.found | (self.status == Status.ERROR)
        if self.model.draws > 1:
            settled = settled | (self.fallback_margin > -torch.inf)
        self.candidates = torch.where(per_sample(settled, self.candidates), self.fallback, self.candidates)
        if self.witness is not None and self.fallback_witness is not None:
            self.witness = torch.where(settled[:, None], self.fallback_witness, self.witness)
        if self.nearest is not None:
            threat, x, bounds = self.threat, self.samples.x, self.model.bounds
            assert isinstance(threat, NormThreat)
            known = self.nearest_distance.isfinite()
            self.nearest = torch.where(per_sample(known, x), self.nearest, self.candidates)
            within = known & threat.within_eps(x, self.nearest_distance, bounds)
            outside = (~within & (self.status == Status.FAILED)).nonzero().squeeze(1)
            self.candidates = torch.where(per_sample(within, x), self.nearest, self.candidates)
            self.candidates[outside] = threat.project(x[outside], self.nearest[outside], bounds)


def best_of_each(row: Tensor, key: Tensor) -> Tensor:
    """For each attempt, the index of the greatest key among attempts on the same sample (the first of equals)."""
    order = key.argsort(descending=True, stable=True)
    rank = order.argsort()
    return order[torch.where(row[:, None] == row, rank, len(row)).amin(1)] if len(row) else order
