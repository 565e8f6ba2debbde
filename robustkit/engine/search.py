"""The driver of all iterative attacks: one forward pass per step, and no unnecessary pass.

Samples occupy slots. A successfully attacked sample leaves its slot, and free slots are refilled from the queue. If an attack
has several restarts or targets, the first attempt runs alone; on its survivors all others run at the same time, each
in its own slot, until one succeeds. Each sample's search is independent of the others, so batch size, order
and neighbours do not change the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
from robustkit.contracts.answer import Answer, ask
from robustkit.contracts.model import Model
from robustkit.contracts.result import AttackResult, Status
from robustkit.contracts.rows import Rows, join, put, select
from robustkit.contracts.samples import Samples
from robustkit.crossing import Readback, sent
from robustkit.engine.findings import Findings
from robustkit.engine.query import Query
from robustkit.engine.stepping import Batch, Response, State, Stepping
from robustkit.engine.tracking import Track
from robustkit.gradients import is_masked
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom, pass_seed
from robustkit.threats import Threat

S = TypeVar("S", bound=State)


def search(attack: Stepping[S], model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
    """The verified result of an iterative attack on every sample. See `Attack.run`."""
    check_twin(model, samples.x)
    with model.frozen(pass_seed(seed, attack.info.name)), model.quick.frozen(), torch.no_grad():
        return _Search(attack, model, samples, threat, seed).run()


@dataclass(kw_only=True)
class Slots(Rows, Generic[S]):
    """The state of the loop between steps, one row per attempt.

    Parameters
    ----------
    batch, state, track
        On the device.
    taken, asked
        On the host: the number of steps taken, and which images the next query includes.
    """

    batch: Batch
    state: S
    track: Track
    taken: Tensor
    asked: Tensor


class _Search(Generic[S]):
    def __init__(self, attack: Stepping[S], model: Model, samples: Samples, threat: Threat, seed: int) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.query = Query(attack, model.quick)
        self.random = SampleRandom(seed, attack.info.name)
        self.steps = attack.attempt_steps(threat)
        #: Maximum number of forward passes per sample in the search.
        self.budget = None if threat.queries is None else threat.queries - attack.overhead(model.draws)
        self.draws = model.draws
        self.side_by_side = False
        self.clean = ask(model, samples.x, samples, clearly=True, clean=True)
        self.findings = Findings(attack, model, samples, threat, self.clean)
        #: Samples that get no further attempt.
        self.settled = self.findings.status != Status.FAILED
        self.last = attack.attempts(threat, self.clean.columns.shape[1]) - 1

    def run(self) -> AttackResult:
        attack = self.attack
        attempts = self.last + 1
        # Attempts run one after another under a query budget and in fixed-step mode.
        in_turn = self.budget is not None or not attack.early_exit
        waves = [range(k, k + 1) for k in range(attempts)] if in_turn else [range(1), range(1, attempts)]
        for wave in waves:
            if len(wave):
                self._pursue(wave)
        return self.findings.verified()

    def _pursue(self, wave: range) -> None:
        """Run these attempts on every unsettled sample, all attempts on a sample at the same time."""
        unsettled = ~self.settled if self.attack.early_exit else torch.ones_like(self.settled)
        self.side_by_side = len(wave) > 1
        queue = unsettled.cpu().nonzero().squeeze(1)
        size = self.model.chunk_size(self.samples.x)
        slots: Slots[S] | None = None
        while True:
            held = 0 if slots is None else len(slots.taken)
            # In fixed-step mode all slots empty together, and a sample's neighbours stay the same.
            if len(queue) and (slots is None or (self.attack.early_exit and held <= size // 2)):
                free = max((size - held) // len(wave), 1)
                fresh = self._enter(queue[:free], wave)
                queue = queue[free:]
                slots = fresh if slots is None else join(slots, fresh)
            if slots is None:
                break
            slots = self._leave(*self._advance(slots))

    def _enter(self, rows: Tensor, wave: range) -> Slots[S]:
        rows = sent(rows, self.samples.x.device)
        attempt = torch.arange(wave.start, wave.stop, device=rows.device).repeat(len(rows))
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
        taken = torch.zeros(len(rows), dtype=torch.int64)
        return Slots(batch=batch, state=state, track=track, taken=taken, asked=taken == 0)

    def _advance(self, slots: Slots[S]) -> tuple[Slots[S], Readback | None]:
        """The slots after one query and one step of the attack, and which attempts end, as a pending copy to the host."""
        if not self.steps:  # the first proposal is the last one, which verification queries
            return slots, self._word(slots.track, slots.batch, slots.taken)
        attack, batch, state, track = self.attack, slots.batch, slots.state, slots.track
        device = batch.x.device
        followed = attack.follows(slots.taken)
        seen = self.query.ask(batch, state, slots.asked, followed)
        asked = sent(slots.asked, device)
        track.queries = track.queries + self.draws * asked
        if attack.needs_gradient:
            counted = asked if followed is None else sent(followed, device)
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
            step=sent(slots.taken, device),
            taken=slots.taken,
        )
        taken = slots.taken + 1
        # Started before the step, so that the device computes the step while the host waits for the copy.
        word = self._word(track, batch, taken)
        proposed = attack.step(batch, state, response)
        ended = attack.done(batch, proposed)
        asks = attack.asks(batch, proposed) if attack.early_exit else None
        if ended is not None:
            if not attack.early_exit:  # the slot continues after the attempt is over, so its last proposal must stay
                proposed.x_adv = torch.where(per_sample(track.over, state.x_adv), state.x_adv, proposed.x_adv)
                if state.witness is not None and proposed.witness is not None:
                    proposed.witness = torch.where(track.over[:, None], state.witness, proposed.witness)
            track.over = track.over | ended
        if ended is not None or asks is not None:
            word = self._word(track, batch, taken, asks)
        return Slots(batch=batch, state=proposed, track=track, taken=taken, asked=slots.asked), word

    def _absorb(
        self, batch: Batch, x_seen: Tensor, witness: Tensor | None, seen: Answer, track: Track, asked: Tensor | None = None
    ) -> None:
        """Record the result of a query; successes of a twin or of several draws are confirmed first."""
        searching = ~(track.failed | track.over)
        if asked is not None:
            searching = searching & asked
        if self.query.model is not self.model or self.draws > 1:
            self._confirm(batch, x_seen, seen, searching & ~track.found, track)
        track.note(batch, x_seen, witness, seen, searching, self.draws, minimizes=self.attack.minimizes)

    def _confirm(self, batch: Batch, x_seen: Tensor, seen: Answer, searching: Tensor, track: Track) -> None:
        """Replace the answers of reported successes by fresh answers of the model itself.

        The quick twin may differ from the model, and among many queries of a randomised model some have a majority by chance.
        """
        if self.attack.minimizes:
            searching = torch.ones_like(searching)
        index = (seen.success & searching).nonzero().squeeze(1)
        if len(index):
            fresh = ask(self.model, x_seen[index], batch.samples.rows(index), clearly=True)
            for name in ("columns", "success", "margin"):
                getattr(seen, name)[index] = getattr(fresh, name).to(getattr(seen, name))
            track.queries = track.queries.index_add(0, index, torch.full_like(index, self.draws))

    def _word(self, track: Track, batch: Batch, taken: Tensor, asks: Tensor | None = None) -> Readback | None:
        """Which attempts need a query for their last proposal, end, or have a next query; None while no attempt can end."""
        last_step = taken == self.steps
        if not self.attack.early_exit and not bool(last_step.all()):
            return None  # all slots are at the same step
        ended = sent(last_step, batch.x.device)
        # The last attempt's last proposal is queried by verification; with several draws, the best mean is returned instead.
        pending = ended | track.over if self.attack.early_exit else ended
        gone = pending
        if self.draws == 1:
            pending = pending & (batch.attempt < self.last)
        if self.attack.early_exit:
            settled = self._settled(track)
            pending, gone = pending & ~settled, gone | self._with_siblings(settled, track)
        return Readback(torch.stack([pending, gone] if asks is None else [pending, gone, asks]))

    def _leave(self, slots: Slots[S], word: Readback | None) -> Slots[S] | None:
        """The slots without successfully attacked and exhausted samples and all their attempts; None if none are left."""
        if word is None:
            return slots
        pending, gone, *asks = word.wait().unbind()  # the only synchronisation of a step
        if asks:
            slots.asked = asks[0]
        if not bool(gone.any()):
            return slots
        if bool(pending.any()):
            index = pending.nonzero().squeeze(1)
            slots.track = put(slots.track, index, self._ask_last(select(slots, index)))
            if self.side_by_side:
                gone = gone | Readback(self._with_siblings(self._settled(slots.track), slots.track)).wait()
        leaving = gone.nonzero().squeeze(1)
        going = select(slots, leaving)
        self.settled = self.settled | self._samples(self._settled(going.track), going.track)
        asked = sent(pending[leaving], self.settled.device) & (going.batch.attempt < self.last)
        self.findings.keep(going.track, going.state.x_adv, going.state.witness, asked)
        return None if len(leaving) == len(gone) else select(slots, (~gone).nonzero().squeeze(1))

    def _samples(self, attempts: Tensor, track: Track) -> Tensor:
        """Which samples have one of these attempts, bool ``(N,)``."""
        return torch.zeros_like(self.findings.forwards).index_add_(0, track.row, attempts.long()) > 0

    def _with_siblings(self, attempts: Tensor, track: Track) -> Tensor:
        """These attempts and all others on the same samples."""
        return self._samples(attempts, track)[track.row] if self.side_by_side else attempts

    def _settled(self, track: Track) -> Tensor:
        """Attempts whose sample needs no further attempt: found, failed or out of queries."""
        settled = track.failed | track.found if self.attack.leaves_when_found else track.failed
        if self.budget is None:
            return settled
        return settled | (self.findings.forwards[track.row] + track.queries > self.budget)

    def _ask_last(self, slots: Slots[S]) -> Track:
        """The track of these attempts after querying their last proposals."""
        batch, state, track = slots.batch, slots.state, slots.track
        answer = ask(self.query.model, state.x_adv, batch.samples)
        track.queries = track.queries + self.draws
        track.over = torch.zeros_like(track.over)
        self._absorb(batch, state.x_adv, state.witness, answer, track)
        return track
