"""The loop that every iterative attack runs in: one forward pass a step, and no pass that nobody needs.

Samples sit in slots. A sample that is beaten leaves its slot at once; one whose attempt is over starts the next one in
place; free slots are refilled from the queue. Each sample's search depends on nothing but itself, so the batch size, the
order and the neighbours do not change what is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from robustkit.contract import (
    AttackResult,
    Prepared,
    Status,
    adversarial_margin,
    ask,
    is_adversarial,
    least_lead,
    prepare,
)
from robustkit.errors import UsageError
from robustkit.iterative import Batch, IterativeAttack, Response, State, join, put, select
from robustkit.minimum_norm import MinimumNormAttack
from robustkit.model import Model
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom
from robustkit.threats import NormThreat, Threat, in_box

S = TypeVar("S", bound=State)

#: The greatest element of a gradient that leads nowhere: over the whole box it changes no loss by as much as its rounding.
VANISHED = 1e-12


@dataclass(kw_only=True)
class Track:
    """What the engine knows of each sample in a slot; one row a slot."""

    row: Tensor  #: where the sample stands in the caller's tensors
    step: Tensor  #: steps this attempt has taken
    queries: Tensor  #: forward passes of the search
    backwards: Tensor
    found: Tensor
    failed: Tensor  #: the model answered with NaN or infinity
    first_success: Tensor
    zero_gradients: Tensor
    x_best: Tensor  #: the first success, else the admissible query with the greatest adversarial margin
    margin_best: Tensor
    logits_best: Tensor
    over: Tensor  #: the attempt ended before its last step
    nearest: Tensor  #: of a minimum-norm attack: the nearest adversarial image; of others: nothing, ``(B, 0)``
    nearest_distance: Tensor


def search(
    attack: IterativeAttack[S],
    model: Model,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    *,
    targets: Tensor | None = None,
    sample_ids: Tensor | None = None,
    seed: int = 0,
    x_start: Tensor | None = None,
) -> AttackResult:
    """Run an iterative attack on every sample and verify what it found. See `Attack.__call__`.

    `x_start`, images like `x`, is where an attack that looks at `Batch.x_start` begins.
    """
    samples = prepare(attack, model, x, y, threat, targets, sample_ids)
    with model.frozen(seed), model.quick.frozen(seed), torch.no_grad():
        return _Search(attack, model, samples, threat, seed, x_start).run()


class _Search(Generic[S]):
    def __init__(
        self,
        attack: IterativeAttack[S],
        model: Model,
        samples: Prepared,
        threat: Threat,
        seed: int,
        x_start: Tensor | None,
    ) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.x_start = None if x_start is None else x_start.to(samples.x)
        self.quick = model.quick
        self.minimizes = isinstance(attack, MinimumNormAttack)
        self.leaves_when_found = attack.early_exit and not (isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps)
        self.random = SampleRandom(seed, attack.info.name)
        self.steps = attack.attempt_steps(threat)
        #: The most forward passes of the search.
        self.budget = None if threat.queries is None else threat.queries - attack.overhead
        self.clock = 0
        self.clean_logits, self.wrong = ask(model, samples.x, samples.y, None, attack.eot)
        check_classes(model, samples, self.clean_logits.shape[1])
        n, device = len(samples.x), samples.x.device
        self.candidates = samples.x.clone()
        self.fallback = samples.x.clone()
        self.fallback_margin = torch.full((n,), -torch.inf, dtype=samples.x.dtype, device=device)
        self.fallback_logits = self.clean_logits.clone()
        self.status = torch.full((n,), int(Status.FAILED), device=device)
        self.found = torch.zeros(n, dtype=torch.bool, device=device)
        self.first_success = torch.full((n,), -1, device=device)
        self.nearest = samples.x.clone() if self.minimizes else None
        self.nearest_distance = torch.full((n,), torch.inf, dtype=samples.x.dtype, device=device)
        self.forwards = torch.full((n,), attack.eot, device=device)
        self.backwards, self.zero_gradients = torch.zeros_like(self.forwards), torch.zeros_like(self.forwards)

    def run(self) -> AttackResult:
        attack, samples = self.attack, self.samples
        n = len(samples.x)
        queue = torch.arange(n, device=samples.x.device)
        attacked = self._judge_clean()
        if attack.early_exit:
            queue = queue[attacked]
        size = self.model.chunk_size(samples.x)
        slots: tuple[Batch, S, Track] | None = None
        while True:
            # In fixed-step mode slots only empty together, and a sample's neighbours stay the same throughout.
            if len(queue) and (slots is None or (attack.early_exit and len(slots[2].row) <= size // 2)):
                free = size - (0 if slots is None else len(slots[2].row))
                fresh = self._enter(queue[:free])
                queue = queue[free:]
                slots = fresh if slots is None else tuple(join(a, b) for a, b in zip(slots, fresh, strict=True))  # type: ignore[assignment]
            if slots is None:
                break
            slots = self._leave(self._advance(*slots))
        return self._verify()

    def _judge_clean(self) -> Tensor:
        """Set the status of samples that need no attack; return which ones do."""
        wrong = self.wrong
        broken = ~self.clean_logits.isfinite().all(1)
        self.status[wrong] = int(Status.MISCLASSIFIED)
        self.status[broken] = int(Status.ERROR)
        return ~(wrong | broken)

    def _enter(self, rows: Tensor) -> tuple[Batch, S, Track]:
        samples, clean = self.samples, self.clean_logits
        x = samples.x[rows]
        integers = torch.zeros_like(rows)
        batch = Batch(
            x=x,
            y=samples.y[rows],
            targets=None if samples.targets is None else samples.targets[rows],
            sample_ids=samples.sample_ids[rows],
            attempt=integers,
            clean_logits=clean[rows],
            threat=self.threat,
            bounds=self.model.bounds,
            random=self.random,
            x_start=None if self.x_start is None else self.x_start[rows],
        )
        track = Track(
            row=rows,
            step=integers,
            queries=integers,
            backwards=integers,
            found=torch.zeros_like(rows, dtype=torch.bool),
            failed=torch.zeros_like(rows, dtype=torch.bool),
            first_success=integers - 1,
            zero_gradients=integers,
            x_best=x,
            margin_best=torch.full_like(x[:, 0, 0, 0], -torch.inf),
            logits_best=clean[rows],
            over=torch.zeros_like(rows, dtype=torch.bool),
            nearest=x if self.minimizes else x.new_empty(len(x), 0),
            nearest_distance=torch.full_like(x[:, 0, 0, 0], torch.inf),
        )
        return batch, self.attack.start(batch), track

    def _advance(self, batch: Batch, state: S, track: Track) -> tuple[Batch, S, Track]:
        """One pass through the model, and one step of the attack on its answer."""
        attack = self.attack
        asked = attack.asks(batch, state) if attack.early_exit else None
        x_seen, logits, loss, grad, adversarial = self._query(batch, state, asked)
        track.queries = track.queries + (attack.eot if asked is None else attack.eot * asked)
        if attack.needs_gradient:
            followed = attack.follows(batch, state)
            counted = torch.ones_like(track.found) if followed is None else followed
            track.backwards = track.backwards + attack.eot * counted * (1 if loss.ndim == 1 else loss.shape[1])
            track.zero_gradients = track.zero_gradients + (counted & (grad.flatten(1).abs().amax(1) < VANISHED))
        self._absorb(batch, x_seen, logits, adversarial, track, asked)
        response = Response(logits=logits, loss=loss, grad=grad.nan_to_num(0.0, 0.0, 0.0), step=track.step)
        proposed = attack.step(batch, state, response)
        ended = attack.done(batch, proposed)
        if ended is not None:
            if not attack.early_exit:  # the attempt is over, though its slot goes on: its last proposal stays
                proposed.x_adv = torch.where(per_sample(track.over, state.x_adv), state.x_adv, proposed.x_adv)
            track.over = track.over | ended
        track.step = track.step + 1
        return batch, proposed, track

    def _query(self, batch: Batch, state: S, asked: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What the model is asked about, its logits, losses and gradients, and whether that is adversarial.

        Of a randomised model: means over `eot` draws, and whether most of them are adversarial.
        """
        attack = self.attack
        if attack.needs_gradient:
            x_seen, logits, loss, grad = self._gradient(batch, state)
        else:
            x_seen = attack.view(batch, state, state.x_adv)
            logits = self._logits(x_seen, asked)
            loss, grad = attack.loss(batch, state, logits), logits.new_zeros(()).expand_as(state.x_adv)
            if asked is not None:
                loss = torch.where(asked, loss, -torch.inf)
        adversarial = is_adversarial(logits, batch.y, batch.targets)
        if attack.eot == 1:
            return x_seen, logits, loss, grad, adversarial
        votes = adversarial.long()
        for _ in range(attack.eot - 1):
            if attack.needs_gradient:
                _, logits_, loss_, grad_ = self._gradient(batch, state)
                loss, grad = loss + loss_, grad + grad_
            else:
                logits_ = self._logits(x_seen, asked)
                loss = loss + attack.loss(batch, state, logits_)
            votes = votes + is_adversarial(logits_, batch.y, batch.targets)
            logits = logits + logits_
        return x_seen, logits / attack.eot, loss / attack.eot, grad / attack.eot, 2 * votes > attack.eot

    def _logits(self, x: Tensor, asked: Tensor | None) -> Tensor:
        """Logits of the images asked about; zeros for the others."""
        if asked is None or bool(asked.all()):
            return self.quick.logits(x)
        logits = torch.zeros_like(self.clean_logits[: len(x)])
        rows = asked.nonzero().squeeze(1)
        if len(rows):
            logits[rows] = self.quick.logits(x[rows]).to(logits)
        return logits

    def _gradient(self, batch: Batch, state: S) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What was asked about, logits, losses and gradients, in parts where the whole does not fit in memory."""
        attack = self.attack
        followed = attack.follows(batch, state)
        if followed is not None and not bool(followed.all()):
            return self._partly(batch, state, followed)

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            whole = len(rows) == len(state.x_adv)
            batch_, state_ = (batch, state) if whole else (select(batch, rows), select(state, rows))
            seen: list[Tensor] = []

            def view(x_adv: Tensor) -> Tensor:
                seen.append(attack.view(batch_, state_, x_adv))
                return seen[0]

            answer = self.quick.gradient(state_.x_adv, lambda logits: attack.loss(batch_, state_, logits), view)
            return (seen[0].detach(), *answer)

        indices = torch.arange(len(state.x_adv), device=state.x_adv.device)
        x_seen, logits, loss, grad = self.quick.in_chunks(part, indices)
        return x_seen, logits, loss, grad

    def _partly(self, batch: Batch, state: S, followed: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As `_gradient`, with backward passes for some of the samples alone."""
        attack = self.attack
        x_seen = attack.view(batch, state, state.x_adv)
        rest, rows = (~followed).nonzero().squeeze(1), followed.nonzero().squeeze(1)
        logits = batch.x.new_empty(len(batch.x), self.clean_logits.shape[1], dtype=self.clean_logits.dtype)
        if len(rest) == len(x_seen):
            logits = self.quick.logits(x_seen).to(logits)
        elif len(rest):
            logits[rest] = self.quick.logits(x_seen[rest]).to(logits)
        if len(rows):
            batch_, state_ = select(batch, rows), select(state, rows)

            def part(index: Tensor) -> tuple[Tensor, ...]:
                b, s = select(batch_, index), select(state_, index)
                return self.quick.gradient(s.x_adv, lambda out: attack.loss(b, s, out), lambda x: attack.view(b, s, x))

            found, _, grad_ = self.quick.in_chunks(part, torch.arange(len(rows), device=rows.device))
            logits[rows] = found.to(logits)
        loss = attack.loss(batch, state, logits)
        grad = state.x_adv.new_zeros(*loss.shape, *state.x_adv.shape[1:])
        if len(rows):
            grad[rows] = grad_
        return x_seen, logits, loss, grad

    def _absorb(
        self, batch: Batch, x_seen: Tensor, logits: Tensor, adversarial: Tensor, track: Track, asked: Tensor | None = None
    ) -> None:
        """Note what a query showed: the first success stays, else the admissible image nearest to one."""
        finite = logits.isfinite().all(1)
        searching = ~(track.failed | track.over)
        if asked is not None:
            searching, adversarial = searching & asked, adversarial & asked
        if self.quick is not self.model:
            self._confirm(batch, x_seen, logits, adversarial, searching & ~track.found, track)
        if self.minimizes:
            # An image exactly on the boundary would fall to either side in the next pass.
            clear = adversarial & (adversarial_margin(logits, batch.y, batch.targets) > least_lead(logits))
            admissible = self._approach(batch, x_seen, searching & finite & clear, track) & finite
        else:
            admissible = finite & self.threat.contains(batch.x, x_seen, batch.bounds)
        searching = searching & ~track.found
        margin = torch.where(admissible, adversarial_margin(logits, batch.y, batch.targets), -torch.inf).to(x_seen.dtype)
        hit = searching & admissible & adversarial
        better = hit | (searching & (margin > track.margin_best))
        track.x_best = torch.where(per_sample(better, x_seen), x_seen, track.x_best)
        track.margin_best = torch.where(better, margin, track.margin_best)
        track.logits_best = torch.where(better[:, None], logits, track.logits_best)
        track.first_success = torch.where(hit, track.queries - self.attack.eot, track.first_success)
        track.found = track.found | hit
        track.failed = track.failed | ~finite

    def _approach(self, batch: Batch, x_seen: Tensor, adversarial: Tensor, track: Track) -> Tensor:
        """Keep the adversarial images that are nearer than those before; return which queries are within eps."""
        assert isinstance(self.threat, NormThreat)
        distance = self.threat.distance(batch.x, x_seen)
        boxed = in_box(x_seen, batch.bounds)
        nearer = adversarial & boxed & (distance < track.nearest_distance)
        track.nearest = torch.where(per_sample(nearer, x_seen), x_seen, track.nearest)
        track.nearest_distance = torch.where(nearer, distance, track.nearest_distance)
        return boxed & self.threat.within_eps(batch.x, distance, batch.bounds)

    def _confirm(
        self, batch: Batch, x_seen: Tensor, logits: Tensor, adversarial: Tensor, searching: Tensor, track: Track
    ) -> None:
        """Ask the model itself about what its quick twin calls adversarial; its answers take the twin's place."""
        index = (adversarial & (searching | self.minimizes)).nonzero().squeeze(1)
        if len(index):
            targets = None if batch.targets is None else batch.targets[index]
            logits[index], adversarial[index] = ask(self.model, x_seen[index], batch.y[index], targets, self.attack.eot)
            track.queries = track.queries.index_add(0, index, torch.full_like(index, self.attack.eot))

    def _leave(self, slots: tuple[Batch, S, Track]) -> tuple[Batch, S, Track] | None:
        """Let beaten and exhausted samples go, and start the next attempt of those that have one."""
        attack = self.attack
        self.clock += 1
        if not attack.early_exit and self.clock < self.steps:
            return slots  # all slots are at the same step, so nothing need be read back from the device
        self.clock = 0
        attempts = attack.attempts(self.threat, self.clean_logits.shape[1])
        if attempts > 1:
            batch, _, track = slots
            again = self._ended(track) & (batch.attempt < attempts - 1)
            if attack.early_exit:
                again &= ~self._settled(track)
            index = again.nonzero().squeeze(1)
            if len(index):
                slots = self._restart(index, *slots)
        batch, state, track = slots
        gone = self._ended(track)
        if attack.early_exit:
            gone |= self._settled(track)
        leaving = gone.nonzero().squeeze(1)
        if len(leaving) == 0:
            return slots
        self._record(select(track, leaving), state.x_adv[leaving])
        if len(leaving) == len(gone):
            return None
        staying = (~gone).nonzero().squeeze(1)
        return select(batch, staying), select(state, staying), select(track, staying)

    def _ended(self, track: Track) -> Tensor:
        """Whose attempt is over. In fixed-step mode slots only empty together."""
        ended = track.step == self.steps
        return ended | track.over if self.attack.early_exit else ended

    def _settled(self, track: Track) -> Tensor:
        """Who needs no further attempt: found, failed or out of queries."""
        settled = track.failed | track.found if self.leaves_when_found else track.failed
        return settled if self.budget is None else settled | (track.queries + self.attack.eot > self.budget)

    def _restart(self, index: Tensor, batch: Batch, state: S, track: Track) -> tuple[Batch, S, Track]:
        """The next attempt of some slots. The last proposal of the one before has not been asked about yet."""
        batch_, state_, track_ = select(batch, index), select(state, index), select(track, index)
        logits, adversarial = ask(self.quick, state_.x_adv, batch_.y, batch_.targets, self.attack.eot)
        track_.queries = track_.queries + self.attack.eot
        track_.over = torch.zeros_like(track_.over)
        self._absorb(batch_, state_.x_adv, logits, adversarial, track_)
        batch_.attempt = batch_.attempt + 1
        track_.step = torch.zeros_like(track_.step)
        return put(batch, index, batch_), put(state, index, self.attack.start(batch_)), put(track, index, track_)

    def _record(self, track: Track, last_proposal: Tensor) -> None:
        """Keep what leaves the slots. The last proposal was not asked about: verification is its query."""
        self.forwards[track.row] += track.queries
        self.backwards[track.row] = track.backwards
        self.zero_gradients[track.row] = track.zero_gradients
        # In fixed-step mode samples that were wrong from the start came along; what became of them is no finding.
        attacked = (self.status[track.row] == Status.FAILED).nonzero().squeeze(1)
        track, last_proposal = select(track, attacked), last_proposal[attacked]
        rows = track.row
        settled = track.found | track.failed
        candidates = torch.where(per_sample(settled, last_proposal), track.x_best, last_proposal)
        if self.nearest is not None:
            threat, x, bounds = self.threat, self.samples.x[rows], self.model.bounds
            assert isinstance(threat, NormThreat)
            known = track.nearest_distance.isfinite()
            nearest = torch.where(per_sample(known, x), track.nearest, last_proposal)
            within = known & threat.within_eps(x, track.nearest_distance, bounds)
            candidates = torch.where(per_sample(within, x), nearest, threat.project(x, nearest, bounds))
            self.nearest[rows] = nearest
            self.nearest_distance[rows] = track.nearest_distance
        self.candidates[rows] = candidates
        self.fallback[rows] = track.x_best
        self.fallback_margin[rows] = track.margin_best
        self.fallback_logits[rows] = track.logits_best
        self.found[rows] = track.found
        self.status[rows] = torch.where(track.failed & ~track.found, int(Status.ERROR), int(Status.FAILED))
        self.first_success[rows] = track.first_success

    def _verify(self) -> AttackResult:
        """Ask the untouched model once more, in full precision, about what the search would hand over."""
        samples = self.samples
        searched = (self.status == Status.FAILED).nonzero().squeeze(1)
        x_adv = self.candidates
        logits = self.clean_logits.clone()
        if len(searched):
            x_adv_, x, y = x_adv[searched], samples.x[searched], samples.y[searched]
            targets = None if samples.targets is None else samples.targets[searched]
            fresh, adversarial = ask(self.model, x_adv_, y, targets, self.attack.eot)
            self.forwards[searched] += self.attack.eot
            finite = fresh.isfinite().all(1)
            admissible = finite & self.threat.contains(x, x_adv_, self.model.bounds)
            success = admissible & adversarial
            found = self.found[searched]
            late = success & ~found
            self.first_success[searched] = torch.where(
                late, self.forwards[searched] - 2 * self.attack.eot, self.first_success[searched]
            )
            margin = torch.where(admissible, adversarial_margin(fresh, y, targets), -torch.inf)
            # The clean image itself, where an attack starts from it, is no effort.
            moved = (self.fallback[searched] != x).flatten(1).any(1)
            fall_back = ~success & ~found & (self.fallback_margin[searched] > margin) & (moved | ~admissible)
            x_adv[searched] = torch.where(per_sample(fall_back, x), self.fallback[searched], x_adv_)
            logits[searched] = torch.where(fall_back[:, None], self.fallback_logits[searched], fresh)
            status = torch.full_like(searched, int(Status.FAILED))
            status[found] = int(Status.UNCONFIRMED)
            status[success] = int(Status.FOUND)
            status[~finite] = int(Status.ERROR)
            self.status[searched] = status
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
            logits=logits,
            zero_gradients=self.zero_gradients,
        )

    def _verify_nearest(self, x_adv: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest adversarial images that a fresh pass confirms, and their distances: infinite where there is none."""
        samples, status = self.samples, self.status
        distance = torch.where(status == Status.FOUND, self.threat.distance(samples.x, x_adv), torch.inf)
        distance = torch.where(status == Status.MISCLASSIFIED, 0, distance)
        if self.nearest is None:
            return x_adv, distance
        beyond = ((status == Status.FAILED) | (status == Status.UNCONFIRMED)).nonzero().squeeze(1)
        if len(beyond):
            x, nearest = samples.x[beyond], self.nearest[beyond]
            targets = None if samples.targets is None else samples.targets[beyond]
            logits, adversarial = ask(self.model, nearest, samples.y[beyond], targets, self.attack.eot)
            self.forwards[beyond] += self.attack.eot
            valid = adversarial & logits.isfinite().all(1) & in_box(nearest, self.model.bounds)
            distance[beyond] = torch.where(valid, self.threat.distance(x, nearest), torch.inf)
        return torch.where(per_sample(status == Status.FAILED, x_adv), self.nearest, x_adv), distance


def check_classes(model: Model, samples: Prepared, num_classes: int) -> None:
    """Raise `UsageError` if a label or a target is none of the model's classes."""
    model.check_images(samples.x, samples.y, num_classes)
    targets = samples.targets
    if targets is not None and len(targets) and not (int(targets.min()) >= 0 and int(targets.max()) < num_classes):
        raise UsageError(
            f"targets span {int(targets.min())} to {int(targets.max())}, but the model has {num_classes} classes "
            f"(0 to {num_classes - 1})"
        )
