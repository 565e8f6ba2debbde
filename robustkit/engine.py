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
    is_adversarial,
    prepare,
)
from robustkit.errors import UsageError
from robustkit.iterative import Batch, IterativeAttack, Response, State, join, put, select
from robustkit.model import Model
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


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
) -> AttackResult:
    """Run an iterative attack on every sample and verify what it found. See `Attack.__call__`."""
    samples = prepare(attack, model, x, y, threat, targets, sample_ids)
    with model.frozen(seed), torch.no_grad():
        return _Search(attack, model, samples, threat, seed).run()


class _Search(Generic[S]):
    def __init__(self, attack: IterativeAttack[S], model: Model, samples: Prepared, threat: Threat, seed: int) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.random = SampleRandom(seed, attack.info.name)
        self.steps = attack.attempt_steps(threat)
        self.clock = 0
        self.clean_logits = model.logits(samples.x)
        check_classes(model, samples, self.clean_logits.shape[1])
        n, device = len(samples.x), samples.x.device
        self.candidates = samples.x.clone()
        self.fallback = samples.x.clone()
        self.fallback_margin = torch.full((n,), -torch.inf, dtype=samples.x.dtype, device=device)
        self.fallback_logits = self.clean_logits.clone()
        self.status = torch.full((n,), int(Status.FAILED), device=device)
        self.found = torch.zeros(n, dtype=torch.bool, device=device)
        self.first_success = torch.full((n,), -1, device=device)
        self.forwards = torch.ones(n, dtype=torch.int64, device=device)
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
        wrong = self.clean_logits.argmax(1) != self.samples.y
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
        )
        return batch, self.attack.start(batch), track

    def _advance(self, batch: Batch, state: S, track: Track) -> tuple[Batch, S, Track]:
        """One pass through the model, and one step of the attack on its answer."""
        attack = self.attack
        if attack.needs_gradient:
            logits, loss, grad = self._gradient(batch, state)
            track.backwards = track.backwards + 1
            track.zero_gradients = track.zero_gradients + (grad.flatten(1) == 0).all(1)
        else:
            logits = self.model.logits(state.x_adv)
            loss, grad = attack.loss(batch, state, logits), torch.zeros_like(state.x_adv)
        self._absorb(batch, state.x_adv, logits, track)
        response = Response(logits=logits, loss=loss, grad=grad.nan_to_num(0.0, 0.0, 0.0), step=track.step)
        state = attack.step(batch, state, response)
        track.step = track.step + 1
        return batch, state, track

    def _gradient(self, batch: Batch, state: S) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, losses and gradients, in parts where the whole does not fit in memory."""

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            whole = len(rows) == len(state.x_adv)
            batch_, state_ = (batch, state) if whole else (select(batch, rows), select(state, rows))
            return self.model.gradient(state_.x_adv, lambda logits: self.attack.loss(batch_, state_, logits))

        indices = torch.arange(len(state.x_adv), device=state.x_adv.device)
        logits, loss, grad = self.model.in_chunks(part, indices)
        return logits, loss, grad

    def _absorb(self, batch: Batch, x_adv: Tensor, logits: Tensor, track: Track) -> None:
        """Note what a query showed: the first success stays, else the admissible image nearest to one."""
        finite = logits.isfinite().all(1)
        admissible = finite & self.threat.contains(batch.x, x_adv, batch.bounds)
        margin = torch.where(admissible, adversarial_margin(logits, batch.y, batch.targets), -torch.inf).to(x_adv.dtype)
        searching = ~(track.found | track.failed)
        hit = searching & admissible & is_adversarial(logits, batch.y, batch.targets)
        better = hit | (searching & (margin > track.margin_best))
        track.x_best = torch.where(per_sample(better, x_adv), x_adv, track.x_best)
        track.margin_best = torch.where(better, margin, track.margin_best)
        track.logits_best = torch.where(better[:, None], logits, track.logits_best)
        track.first_success = torch.where(hit, track.queries, track.first_success)
        track.found = track.found | hit
        track.failed = track.failed | ~finite
        track.queries = track.queries + 1

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
            again = (track.step == self.steps) & (batch.attempt < attempts - 1)
            if attack.early_exit:
                again &= ~(track.found | track.failed)
            index = again.nonzero().squeeze(1)
            if len(index):
                slots = self._restart(index, *slots)
        batch, state, track = slots
        gone = track.step == self.steps
        if attack.early_exit:
            gone |= track.found | track.failed
        leaving = gone.nonzero().squeeze(1)
        if len(leaving) == 0:
            return slots
        self._record(select(track, leaving), state.x_adv[leaving])
        if len(leaving) == len(gone):
            return None
        staying = (~gone).nonzero().squeeze(1)
        return select(batch, staying), select(state, staying), select(track, staying)

    def _restart(self, index: Tensor, batch: Batch, state: S, track: Track) -> tuple[Batch, S, Track]:
        """The next attempt of some slots. The last proposal of the one before has not been asked about yet."""
        batch_, state_, track_ = select(batch, index), select(state, index), select(track, index)
        self._absorb(batch_, state_.x_adv, self.model.logits(state_.x_adv), track_)
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
        self.candidates[rows] = torch.where(per_sample(settled, last_proposal), track.x_best, last_proposal)
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
            fresh = self.model.logits(x_adv_)
            self.forwards[searched] += 1
            finite = fresh.isfinite().all(1)
            admissible = finite & self.threat.contains(x, x_adv_, self.model.bounds)
            success = admissible & is_adversarial(fresh, y, targets)
            found = self.found[searched]
            late = success & ~found
            self.first_success[searched] = torch.where(late, self.forwards[searched] - 2, self.first_success[searched])
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
        return AttackResult(
            x_adv=x_adv,
            success=self.status == Status.FOUND,
            distance=self.threat.distance(samples.x, x_adv),
            forwards=self.forwards,
            backwards=self.backwards,
            first_success_step=self.first_success,
            status=self.status,
            reported=self.found,
            logits=logits,
            zero_gradients=self.zero_gradients,
        )


def check_classes(model: Model, samples: Prepared, num_classes: int) -> None:
    """Raise `UsageError` if a label or a target is none of the model's classes."""
    model.check_images(samples.x, samples.y, num_classes)
    targets = samples.targets
    if targets is not None and len(targets) and not (int(targets.min()) >= 0 and int(targets.max()) < num_classes):
        raise UsageError(
            f"targets span {int(targets.min())} to {int(targets.max())}, but the model has {num_classes} classes "
            f"(0 to {num_classes - 1})"
        )
