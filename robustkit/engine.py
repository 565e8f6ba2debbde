"""The loop that every iterative attack runs in: one forward pass a step, and no unnecessary pass.

Samples sit in slots. A successfully attacked sample leaves its slot, and free slots are refilled from the queue. An attack
of several restarts or targets makes its first attempt alone; on its survivors all others run side by side, each
in a slot of its own, until one succeeds. Each sample's search depends on nothing but itself, so the batch size, the order
and the neighbours do not change what is found.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
from torch import Tensor

from robustkit.acceleration import check_twin
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
from robustkit.findings import Findings, Track
from robustkit.gradients import is_masked
from robustkit.iterative import Batch, IterativeAttack, Response, State, join, put, select
from robustkit.minimum_norm import MinimumNormAttack
from robustkit.model import Model
from robustkit.projections import per_sample
from robustkit.rng import SampleRandom, pass_seed
from robustkit.threats import NormThreat, Threat, in_box

S = TypeVar("S", bound=State)


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
    attack = attack.drawing(model)
    samples = prepare(attack, model, x, y, threat, targets, sample_ids)
    check_twin(model, samples.x)
    with model.frozen(pass_seed(seed, attack.info.name)), model.quick.frozen(), torch.no_grad():
        return _Search(attack, model, samples, threat, seed).run()


class _Search(Generic[S]):
    def __init__(
        self,
        attack: IterativeAttack[S],
        model: Model,
        samples: Prepared,
        threat: Threat,
        seed: int,
    ) -> None:
        self.attack, self.model, self.samples, self.threat = attack, model, samples, threat
        self.quick = model.quick
        self.minimizes = isinstance(attack, MinimumNormAttack)
        self.leaves_when_found = attack.early_exit and not (isinstance(attack, MinimumNormAttack) and not attack.stop_at_eps)
        self.random = SampleRandom(seed, attack.info.name)
        self.steps = attack.attempt_steps(threat)
        #: The most forward passes of the search.
        self.budget = None if threat.queries is None else threat.queries - attack.overhead
        self.clock = 0
        self.clean_logits, wrong = ask(model, samples.x, samples.y, None, attack.eot, clearly=True)
        check_classes(model, samples, self.clean_logits.shape[1])
        self.findings = Findings(attack, model, samples, threat, self.clean_logits, wrong)
        #: Samples that no further attempt is made on.
        self.settled = self.findings.status != Status.FAILED
        self.last = attack.attempts(threat, self.clean_logits.shape[1]) - 1

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
        slots: tuple[Batch, S, Track] | None = None
        while True:
            held = 0 if slots is None else len(slots[2].row)
            # In fixed-step mode slots only empty together, and a sample's neighbours stay the same throughout.
            if len(queue) and (slots is None or (self.attack.early_exit and held <= size // 2)):
                free = max((size - held) // len(wave), 1)
                fresh = self._enter(queue[:free], wave)
                queue = queue[free:]
                slots = fresh if slots is None else tuple(join(a, b) for a, b in zip(slots, fresh, strict=True))  # type: ignore[assignment]
            if slots is None:
                break
            slots = self._leave(self._advance(*slots))

    def _enter(self, rows: Tensor, wave: range) -> tuple[Batch, S, Track]:
        samples, clean = self.samples, self.clean_logits
        attempt = torch.tensor(wave, device=rows.device).repeat(len(rows))
        rows = rows.repeat_interleave(len(wave))
        x = samples.x[rows]
        integers = torch.zeros_like(rows)
        batch = Batch(
            x=x,
            y=samples.y[rows],
            targets=None if samples.targets is None else samples.targets[rows],
            sample_ids=samples.sample_ids[rows],
            attempt=attempt,
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
            over=torch.zeros_like(rows, dtype=torch.bool),
            nearest=x if self.minimizes else x.new_empty(len(x), 0),
            nearest_distance=torch.full_like(x[:, 0, 0, 0], torch.inf),
        )
        state = self.attack.start(batch)
        track.witness_best = state.witness
        return batch, state, track

    def _advance(self, batch: Batch, state: S, track: Track) -> tuple[Batch, S, Track]:
        """One pass through the model, and one step of the attack on its answer."""
        attack = self.attack
        asked = attack.asks(batch, state) if attack.early_exit else None
        x_seen, logits, loss, grad, adversarial = self._query(batch, state, asked)
        track.queries = track.queries + (attack.eot if asked is None else attack.eot * asked)
        if attack.needs_gradient:
            followed = attack.follows(batch, state)
            counted = torch.ones_like(track.found) if followed is None else followed
            passes = attack.eot * counted * (1 if loss.ndim == 1 else loss.shape[1])
            track.backwards = track.backwards + passes
            track.zero_gradients = track.zero_gradients + passes * is_masked(grad)
        self._absorb(batch, x_seen, state.witness, logits, adversarial, track, asked)
        response = Response(logits=logits, loss=loss, grad=grad.nan_to_num(0.0, 0.0, 0.0), step=track.step)
        proposed = attack.step(batch, state, response)
        ended = attack.done(batch, proposed)
        if ended is not None:
            if not attack.early_exit:  # the attempt is over, though its slot goes on: its last proposal stays
                proposed.x_adv = torch.where(per_sample(track.over, state.x_adv), state.x_adv, proposed.x_adv)
                if state.witness is not None and proposed.witness is not None:
                    proposed.witness = torch.where(track.over[:, None], state.witness, proposed.witness)
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
            x_seen = attack.view(batch, state, attack.leaf(state))
            logits = self._logits(x_seen, asked)
            loss, grad = attack.loss(batch, state, logits), logits.new_zeros(()).expand_as(attack.leaf(state))
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

            def view(leaf: Tensor) -> Tensor:
                seen.append(attack.view(batch_, state_, leaf))
                return seen[0]

            answer = self.quick.gradient(attack.leaf(state_), lambda logits: attack.loss(batch_, state_, logits), view)
            return (seen[0].detach(), *answer)

        indices = torch.arange(len(state.x_adv), device=state.x_adv.device)
        x_seen, logits, loss, grad = self.quick.in_chunks(part, indices)
        return x_seen, logits, loss, grad

    def _partly(self, batch: Batch, state: S, followed: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As `_gradient`, with backward passes for some of the samples alone."""
        attack = self.attack
        leaf = attack.leaf(state)
        x_seen = attack.view(batch, state, leaf)
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
                return self.quick.gradient(attack.leaf(s), lambda out: attack.loss(b, s, out), lambda x: attack.view(b, s, x))

            found, _, grad_ = self.quick.in_chunks(part, torch.arange(len(rows), device=rows.device))
            logits[rows] = found.to(logits)
        loss = attack.loss(batch, state, logits)
        grad = leaf.new_zeros(*loss.shape, *leaf.shape[1:])
        if len(rows):
            grad[rows] = grad_
        return x_seen, logits, loss, grad

    def _absorb(
        self,
        batch: Batch,
        x_seen: Tensor,
        witness: Tensor | None,
        logits: Tensor,
        adversarial: Tensor,
        track: Track,
        asked: Tensor | None = None,
    ) -> None:
        """Note what a query showed: the first success stays, else the admissible image nearest to one."""
        searching = ~(track.failed | track.over)
        if asked is not None:
            searching, adversarial = searching & asked, adversarial & asked
        if self.quick is not self.model or self.attack.eot > 1:
            self._confirm(batch, x_seen, logits, adversarial, searching & ~track.found, track)
        finite = logits.isfinite().all(1)
        if self.minimizes:
            # An image exactly on the boundary would fall to either side in the next pass.
            clear = adversarial & (adversarial_margin(logits, batch.y, batch.targets) > least_lead(logits))
            admissible = self._approach(batch, x_seen, searching & finite & clear, track) & finite
        else:
            admissible = finite & self.threat.plausible(batch.x, x_seen, batch.bounds)
        searching = searching & ~track.found
        margin = torch.where(admissible, adversarial_margin(logits, batch.y, batch.targets), -torch.inf).to(x_seen.dtype)
        hit = searching & admissible & adversarial
        better = hit | (searching & (margin > track.margin_best))
        track.x_best = torch.where(per_sample(better, x_seen), x_seen, track.x_best)
        if witness is not None and track.witness_best is not None:
            track.witness_best = torch.where(better[:, None], witness, track.witness_best)
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
        """Ask the model itself about what its quick twin, or the draws of one query, call adversarial; its answers replace theirs.

        Among many queries of a randomised model some have a lucky majority: fresh draws must agree clearly.
        """
        index = (adversarial & (searching | self.minimizes)).nonzero().squeeze(1)
        if len(index):
            targets = None if batch.targets is None else batch.targets[index]
            y, draws = batch.y[index], self.attack.eot
            logits[index], adversarial[index] = ask(self.model, x_seen[index], y, targets, draws, clearly=True)
            track.queries = track.queries.index_add(0, index, torch.full_like(index, self.attack.eot))

    def _leave(self, slots: tuple[Batch, S, Track]) -> tuple[Batch, S, Track] | None:
        """Let successfully attacked and exhausted samples go, with all their attempts."""
        attack = self.attack
        self.clock += 1
        if not attack.early_exit and self.clock < self.steps:
            return slots  # all slots are at the same step, so nothing need be read back from the device
        self.clock = 0
        batch, state, track = slots
        ended = self._ended(track)
        if attack.early_exit and not bool(
            (ended | self._settled(track)).any()
        ):  # all that most steps read back from the device
            return slots
        # The very last proposal needs no query here, verification is its query; with several draws the best mean is handed over.
        pending = ended & (batch.attempt < self.last) if attack.eot == 1 else ended
        if attack.early_exit:
            pending &= ~self._settled(track)
        index = pending.nonzero().squeeze(1)
        if len(index):
            track = self._ask_last(index, batch, state, track)
        gone = ended
        if attack.early_exit:
            settled = torch.zeros_like(self.settled)
            settled[track.row[self._settled(track)]] = True
            gone = gone | settled[track.row]
        leaving = gone.nonzero().squeeze(1)
        if len(leaving) == 0:
            return batch, state, track
        self.settled[track.row[self._settled(track) & gone]] = True
        witness = None if state.witness is None else state.witness[leaving]
        earlier = batch.attempt[leaving] < self.last
        self.findings.keep(select(track, leaving), state.x_adv[leaving], witness, pending[leaving] & earlier)
        if len(leaving) == len(gone):
            return None
        staying = (~gone).nonzero().squeeze(1)
        return select(batch, staying), select(state, staying), select(track, staying)

    def _ended(self, track: Track) -> Tensor:
        """Whose attempt is over. In fixed-step mode slots only empty together."""
        ended = track.step == self.steps
        return ended | track.over if self.attack.early_exit else ended

    def _settled(self, track: Track) -> Tensor:
        """Whose sample needs no further attempt: found, failed or out of queries."""
        settled = track.failed | track.found if self.leaves_when_found else track.failed
        if self.budget is None:
            return settled
        return settled | (self.findings.forwards[track.row] + track.queries > self.budget)

    def _ask_last(self, index: Tensor, batch: Batch, state: S, track: Track) -> Track:
        """Ask about the last proposals of some attempts."""
        batch_, x_adv, track_ = select(batch, index), state.x_adv[index], select(track, index)
        witness = None if state.witness is None else state.witness[index]
        logits, adversarial = ask(self.quick, x_adv, batch_.y, batch_.targets, self.attack.eot)
        track_.queries = track_.queries + self.attack.eot
        track_.over = torch.zeros_like(track_.over)
        self._absorb(batch_, x_adv, witness, logits, adversarial, track_)
        return put(track, index, track_)


def check_classes(model: Model, samples: Prepared, num_classes: int) -> None:
    """Raise `UsageError` if a label or a target is none of the model's classes."""
    model.check_images(samples.x, samples.y, num_classes)
    targets = samples.targets
    if targets is not None and len(targets) and not (int(targets.min()) >= 0 and int(targets.max()) < num_classes):
        raise UsageError(
            f"targets span {int(targets.min())} to {int(targets.max())}, but the model has {num_classes} classes "
            f"(0 to {num_classes - 1})"
        )
