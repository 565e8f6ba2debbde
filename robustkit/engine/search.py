"""The loop that every iterative attack runs in: one forward pass a step, and no unnecessary pass.

Samples sit in slots. A successfully attacked sample leaves its slot, and free slots are refilled from the queue. An attack
of several restarts or targets makes its first attempt alone; on its survivors all others run side by side, each
in a slot of its own, until one succeeds. Each sample's search depends on nothing but itself, so the batch size, the order
and the neighbours do not change what is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
from robustkit.contracts.answer import Answer, ask
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.rows import Rows, join, put, select
from robustkit.contracts.samples import Samples
from robustkit.engine.findings import Findings
from robustkit.engine.query import Query
from robustkit.engine.stepping import Batch, Response, State, Stepping
from robustkit.engine.tracking import Track
from robustkit.gradients import is_masked
from robustkit.model import Model
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom, pass_seed
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


def search(attack: Stepping[S], model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
    """Run an iterative attack on every sample and verify what it found. See `Attack.run`."""
    check_twin(model, samples.x)
    with model.frozen(pass_seed(seed, attack.info.name)), model.quick.frozen(), torch.no_grad():
        return _Search(attack, model, samples, threat, seed).run()


@dataclass(kw_only=True)
class Slots(Rows, Generic[S]):
    """All that the loop carries from step to step, one row an attempt."""

    batch: Batch
    state: S
    track: Track


class _Search(Generic[S]):
    def __init__(self, attack: Stepping[S], model: Model, samples: Samples, threat: Threat, seed: int) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.query = Query(attack, model.quick)
        self.random = SampleRandom(seed, attack.info.name)
        self.steps = attack.attempt_steps(threat)
        #: The most forward passes of the search.
        self.budget = None if threat.queries is None else threat.queries - attack.overhead(model.draws)
        self.clock = 0
        self.draws = model.draws
        self.clean = ask(model, samples.x, samples, clearly=True, clean=True)
        self.findings = Findings(attack, model, samples, threat, self.clean)
        #: Samples that no further attempt is made on.
        self.settled = self.findings.status != Status.FAILED
        self.last = attack.attempts(threat, self.clean.columns.shape[1]) - 1

    def run(self) -> AttackResult:
        attack = self.attack
        attempts = self.last + 1
        # Under a budget of queries, and for measuring, one attempt after another.
        in_turn = self.budget is not None or not attack.early_exit
        waves = [range(k, k + 1) for k in range(attempts)] if in_turn else [range(1), range(1, attempts)]
        for wave in waves:
            if len(wave):
                self._pursue(wave)
        return self.findings.verified()

    def _pursue(self, wave: range) -> None:
        """Make some attempts on every sample that is not settled, all of a sample's at the same time."""
        unsettled = ~self.settled if self.attack.early_exit else torch.ones_like(self.settled)
        queue = unsettled.nonzero().squeeze(1)
        size = self.model.chunk_size(self.samples.x)
        slots: Slots[S] | None = None
        while True:
            held = 0 if slots is None else len(slots.track.row)
            # In fixed-step mode slots only empty together, and a sample's neighbours stay the same throughout.
            if len(queue) and (slots is None or (self.attack.early_exit and held <= size // 2)):
                free = max((size - held) // len(wave), 1)
                fresh = self._enter(queue[:free], wave)
                queue = queue[free:]
                slots = fresh if slots is None else join(slots, fresh)
            if slots is None:
                break
            slots = self._leave(self._advance(slots))

    def _enter(self, rows: Tensor, wave: range) -> Slots[S]:
        attempt = torch.tensor(wave, device=rows.device).repeat(len(rows))
        rows = rows.repeat_interleave(len(wave))
        columns = self.clean.columns[rows]
        batch = Batch(
            samples=self.samples.rows(rows),
            attempt=attempt,
            clean_logits=columns,
            criterion=self.model.criterion,
            threat=self.threat,
            bounds=self.model.bounds,
            random=self.random,
        )
        track = Track.begin(rows, batch.x, columns, minimizes=self.attack.minimizes)
        state = self.attack.start(batch)
        track.witness_best = state.witness
        return Slots(batch=batch, state=state, track=track)

    def _advance(self, slots: Slots[S]) -> Slots[S]:
        """One pass through the model, and one step of the attack on its answer."""
        attack, batch, state, track = self.attack, slots.batch, slots.state, slots.track
        asked = attack.asks(batch, state) if attack.early_exit else None
        followed = attack.follows(batch, state)
        seen = self.query.ask(batch, state, asked, followed)
        track.queries = track.queries + (self.draws if asked is None else self.draws * asked)
        if attack.needs_gradient:
            counted = torch.ones_like(track.found) if followed is None else followed
            passes = self.draws * counted * (1 if seen.loss.ndim == 1 else seen.loss.shape[1])
            track.backwards = track.backwards + passes
            track.zero_gradients = track.zero_gradients + passes * is_masked(seen.grad)
        self._absorb(batch, seen.x, state.witness, seen.answer, track, asked)
        response = Response(
            logits=seen.answer.columns,
            success=seen.answer.success,
            margin=seen.answer.margin,
            loss=seen.loss,
            grad=seen.grad.nan_to_num(0.0, 0.0, 0.0) if attack.needs_gradient else seen.grad,
            step=track.step,
        )
        proposed = attack.step(batch, state, response)
        ended = attack.done(batch, proposed)
        if ended is not None:
            if not attack.early_exit:  # the attempt is over, though its slot goes on: its last proposal stays
                proposed.x_adv = torch.where(per_sample(track.over, state.x_adv), state.x_adv, proposed.x_adv)
                if state.witness is not None and proposed.witness is not None:
                    proposed.witness = torch.where(track.over[:, None], state.witness, proposed.witness)
            track.over = track.over | ended
        track.step = track.step + 1
        return Slots(batch=batch, state=proposed, track=track)

    def _absorb(
        self, batch: Batch, x_seen: Tensor, witness: Tensor | None, seen: Answer, track: Track, asked: Tensor | None = None
    ) -> None:
        """Note what a query showed, confirmed first where it takes more than the query to believe it."""
        searching = ~(track.failed | track.over)
        if asked is not None:
            searching = searching & asked
        if self.query.model is not self.model or self.draws > 1:
            self._confirm(batch, x_seen, seen, searching & ~track.found, track)
        track.note(batch, x_seen, witness, seen, searching, self.draws, minimizes=self.attack.minimizes)

    def _confirm(self, batch: Batch, x_seen: Tensor, seen: Answer, searching: Tensor, track: Track) -> None:
        """Ask the model itself about what its quick twin, or the draws of one query, call a success; its answers replace theirs.

        Among many queries of a randomised model some have a lucky majority: fresh draws must agree clearly.
        """
        if self.attack.minimizes:
            searching = torch.ones_like(searching)
        index = (seen.success & searching).nonzero().squeeze(1)
        if len(index):
            fresh = ask(self.model, x_seen[index], batch.samples.rows(index), clearly=True)
            for name in ("columns", "success", "margin"):
                getattr(seen, name)[index] = getattr(fresh, name).to(getattr(seen, name))
            track.queries = track.queries.index_add(0, index, torch.full_like(index, self.draws))

    def _leave(self, slots: Slots[S]) -> Slots[S] | None:
        """Let successfully attacked and exhausted samples go, with all their attempts."""
        attack = self.attack
        self.clock += 1
        if not attack.early_exit and self.clock < self.steps:
            return slots  # all slots are at the same step, so nothing need be read back from the device
        self.clock = 0
        track = slots.track
        ended = self._ended(track)
        if attack.early_exit and not bool(
            (ended | self._settled(track)).any()
        ):  # all that most steps read back from the device
            return slots
        # The very last proposal needs no query here, verification is its query; with several draws the best mean is handed over.
        pending = ended & (slots.batch.attempt < self.last) if self.draws == 1 else ended
        if attack.early_exit:
            pending &= ~self._settled(track)
        index = pending.nonzero().squeeze(1)
        if len(index):
            track = slots.track = put(track, index, self._ask_last(select(slots, index)))
        gone = ended
        if attack.early_exit:
            settled = torch.zeros_like(self.settled)
            settled[track.row[self._settled(track)]] = True
            gone = gone | settled[track.row]
        leaving = gone.nonzero().squeeze(1)
        if len(leaving) == 0:
            return slots
        self.settled[track.row[self._settled(track) & gone]] = True
        going = select(slots, leaving)
        earlier = going.batch.attempt < self.last
        self.findings.keep(going.track, going.state.x_adv, going.state.witness, pending[leaving] & earlier)
        return None if len(leaving) == len(gone) else select(slots, (~gone).nonzero().squeeze(1))

    def _ended(self, track: Track) -> Tensor:
        """Whose attempt is over. In fixed-step mode slots only empty together."""
        ended = track.step == self.steps
        return ended | track.over if self.attack.early_exit else ended

    def _settled(self, track: Track) -> Tensor:
        """Whose sample needs no further attempt: found, failed or out of queries."""
        settled = track.failed | track.found if self.attack.leaves_when_found else track.failed
        if self.budget is None:
            return settled
        return settled | (self.findings.forwards[track.row] + track.queries > self.budget)

    def _ask_last(self, slots: Slots[S]) -> Track:
        """Ask about the last proposals of some attempts."""
        batch, state, track = slots.batch, slots.state, slots.track
        answer = ask(self.query.model, state.x_adv, batch.samples)
        track.queries = track.queries + self.draws
        track.over = torch.zeros_like(track.over)
        self._absorb(batch, state.x_adv, state.witness, answer, track)
        return track
