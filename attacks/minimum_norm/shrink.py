"""Shrinking of adversarial images to smaller balls: the answers at several eps for little more than the one at the largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from robustkit.attacks.gradient.steepest import ascend
from robustkit.global_state import full_precision
from robustkit.gradients import is_masked
from robustkit.losses import adversarial_margin
from robustkit.plugin import (
    AttackInfo,
    AttackResult,
    Batch,
    Known,
    Model,
    NormThreat,
    SampleRandom,
    Samples,
    ShrinkingAttack,
    Status,
    Threat,
    UsageError,
    ask,
    check_threat,
    put,
    verify,
)
from robustkit.plugin import attack as build
from robustkit.rng import pass_seed

#: The length of each step relative to the previous one; the first is the radius of the ball.
DECAY = 0.7

#: A scaled perturbation is expected to fail if the linearised margin crosses 0 beyond this multiple of its length.
FAR = 2

#: The attack itself runs on samples whose margin fell to this fraction of the clean margin without a success.
CLOSE = 0.15


@dataclass(frozen=True, kw_only=True)
class Shrink(ShrinkingAttack):
    """Scales a known adversarial perturbation to smaller balls, in ascending order, until it succeeds in one.

    Where the scaled image is not adversarial, gradient steps on the margin follow, the first one as long as the radius. They go
    on as long as the last one gained at least what is missing, so a hopeless ball costs one step. The best perturbation
    is scaled to the next ball. On samples that came close without a success, the attack itself runs inside the ball.

    Parameters
    ----------
    shares
        The radii of the smaller balls, as shares of eps.
    attack
        The attack that finds the first images, and that runs inside a ball on samples that came close.
    steps
        Maximum number of gradient steps per ball.
    """

    attack: str = "pgd:steps=10"
    steps: int = 8

    info: ClassVar[AttackInfo] = AttackInfo(
        name="shrink",
        threats=("linf", "l2", "l1"),
        knowledge="white-box",
        targeted=True,
        cost="those of the attack, and per share at most 2 * steps + 2 forwards, steps + 1 backwards and the attack again",
        paper="no paper: it reuses images of other attacks",
    )

    def __post_init__(self) -> None:
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise UsageError(f"shares={self.shares} must be above 0 and below 1")
        if self.steps < 1:
            raise UsageError(f"steps={self.steps} must be at least 1")

    @property
    def least_draws(self) -> int:
        return build(self.attack).least_draws

    def check(self, threat: Threat) -> None:
        check_threat(build(self.attack), threat)
        if threat.queries is not None:
            raise UsageError(f"attack 'shrink' cannot keep the budget of threat {threat.id!r}: give a threat without queries=")

    def run(self, model: Model, samples: Samples, threat: Threat, seed: int) -> AttackResult:
        assert isinstance(threat, NormThreat)
        found = build(self.attack).run(model, samples, threat, seed)
        rows = found.success.nonzero().squeeze(1)
        if not len(rows):
            return found
        part, logits = samples.rows(rows), found.logits[rows]
        clean = ask(model, part.x, part)
        margin = adversarial_margin(logits, part.y, part.targets)
        nearer = self.shrink(
            model, part, threat, Known(x_adv=found.x_adv[rows], margin=margin, clean_margin=clean.margin), seed
        )
        nearer.logits = torch.where(nearer.logits.isnan(), logits, nearer.logits)
        nearer.first_success_step = found.first_success_step[rows]
        nearer.forwards += found.forwards[rows] + model.draws
        nearer.backwards += found.backwards[rows]
        nearer.zero_gradients += found.zero_gradients[rows]
        return put(found, rows, nearer)

    def shrink(self, model: Model, samples: Samples, threat: NormThreat, known: Known, seed: int) -> AttackResult:
        with model.frozen(pass_seed(seed, self.info.name)), torch.no_grad():
            search = _Search(self, model, samples, threat, known, seed)
            for share in sorted(self.shares):
                search.inside(threat.with_eps(share * threat.eps))
            return search.result()


class _Search:
    """The nearest images so far, with one row per sample in every tensor."""

    def __init__(self, made: Shrink, model: Model, samples: Samples, threat: NormThreat, known: Known, seed: int) -> None:
        self.made, self.model, self.samples, self.threat, self.seed = made, model, samples, threat, seed
        self.x_adv, self.clean_margin = known.x_adv.clone(), known.clean_margin
        #: The perturbation to scale, and the radius of the ball that contains it.
        self.offset, self.radius = known.x_adv - samples.x, threat.eps
        #: Where the margin is 0 on the line to the known image if it is linear, as a share of the line; 0 once unknown.
        self.crossing = known.clean_margin / (known.clean_margin - known.margin)
        self.logits = torch.empty(0)
        self.searching = torch.ones_like(known.margin, dtype=torch.bool)
        self.forwards = torch.zeros_like(samples.ids, device=samples.x.device)
        self.backwards, self.zero_gradients = self.forwards.clone(), self.forwards.clone()

    def inside(self, ball: NormThreat) -> None:
        """Look for an adversarial image of each remaining sample inside a ball."""
        rows = self.searching.nonzero().squeeze(1)
        if not len(rows):
            return
        x = self.samples.x[rows]
        x_adv = ball.project(x, x + ball.eps / self.radius * self.offset[rows], self.model.bounds)
        # Where a success is unlikely, the pass that asks gives the gradient of the first step as well.
        steep = self.crossing[rows] > FAR * ball.eps / self.threat.eps
        self.crossing = torch.zeros_like(self.crossing)
        margin, grad = torch.empty_like(self.clean_margin[rows]), torch.zeros_like(x)
        flat, steep = (~steep).nonzero().squeeze(1), steep.nonzero().squeeze(1)
        margin[flat] = self._ask(ball, rows[flat], x_adv[flat])
        margin[steep], grad[steep] = self._follow(ball, rows[steep], x_adv[steep])
        best, closest = x_adv.clone(), margin.clone()
        at = flat[self.searching[rows[flat]]]
        _, grad[at] = self._follow(ball, rows[at], x_adv[at])
        going = self.searching[rows].nonzero().squeeze(1)
        for step in range(self.made.steps):
            if not len(going):
                break
            now = rows[going]
            if step:
                _, grad[going] = self._follow(ball, now, x_adv[going])
            x_adv[going] = ascend(self._batch(ball, now), x_adv[going], grad[going], ball.eps * DECAY**step)
            after = self._ask(ball, now, x_adv[going])
            better = going[after > closest[going]]
            gained = after - margin[going]
            margin[going] = after
            best[better], closest[better] = x_adv[better], margin[better]
            going = going[self.searching[now] & (-after <= gained)]
        self.offset[rows], self.radius = best - x, ball.eps
        left = self.searching[rows] & (closest >= CLOSE * self.clean_margin[rows])
        self._attack(ball, rows[left])

    def result(self) -> AttackResult:
        found = torch.ones_like(self.searching)
        return AttackResult(
            x_adv=self.x_adv,
            success=found,
            distance=self.threat.distance(self.samples.x, self.x_adv),
            forwards=self.forwards,
            backwards=self.backwards,
            first_success_step=torch.zeros_like(self.forwards),
            status=torch.full_like(self.forwards, int(Status.FOUND)),
            reported=found.clone(),
            logits=self.logits,
            zero_gradients=self.zero_gradients,
        )

    def _ask(self, ball: NormThreat, rows: Tensor, x_adv: Tensor) -> Tensor:
        """The attacker's margins; verified successes are kept and need no further search."""
        if not len(rows):
            return self.clean_margin[rows]
        verdict = verify(self.model, self.samples.rows(rows), ball, x_adv)
        self.forwards[rows] += self.model.draws
        self._keep(rows, x_adv, verdict.success, verdict.answer.columns)
        return verdict.answer.margin.to(self.clean_margin)

    def _follow(self, ball: NormThreat, rows: Tensor, x_adv: Tensor) -> tuple[Tensor, Tensor]:
        """The attacker's margins and their gradients, by one pass that keeps successes too."""
        if not len(rows):
            return self.clean_margin[rows], x_adv
        model, criterion = self.model, self.model.criterion

        def part(index: Tensor) -> tuple[Tensor, ...]:
            some = self.samples.rows(rows[index])
            outputs, margin, grad = model.gradient(x_adv[index], lambda outputs: criterion.margin(outputs, some))
            return criterion.columns(outputs), criterion.success(outputs, some), margin, grad

        with full_precision(model.device):
            drawn = [
                model.in_chunks(part, torch.arange(len(rows), device=x_adv.device), like=x_adv) for _ in range(model.draws)
            ]
        columns, votes, margin, grad = (sum(each) / model.draws for each in zip(*drawn, strict=True))
        self.forwards[rows] += model.draws
        self.backwards[rows] += model.draws
        self.zero_gradients[rows] += model.draws * is_masked(grad)
        inside = ball.contains(self.samples.x[rows], x_adv, model.bounds) & columns.isfinite().all(1)
        self._keep(rows, x_adv, inside & (votes > 0.5), columns)
        return margin.to(self.clean_margin), grad.nan_to_num(0.0, 0.0, 0.0)

    def _attack(self, ball: NormThreat, rows: Tensor) -> None:
        """Run the attack itself inside a ball."""
        if len(rows):
            found = build(self.made.attack).run(self.model, self.samples.rows(rows), ball, self.seed)
            self.forwards[rows] += found.forwards
            self.backwards[rows] += found.backwards
            self.zero_gradients[rows] += found.zero_gradients
            self._keep(rows, found.x_adv, found.success, found.logits)

    def _keep(self, rows: Tensor, x_adv: Tensor, success: Tensor, columns: Tensor) -> None:
        if not len(self.logits):
            self.logits = columns.new_full((len(self.searching), columns.shape[1]), torch.nan)
        won = success.nonzero().squeeze(1)
        self.x_adv[rows[won]], self.logits[rows[won]] = x_adv[won], columns[won].to(self.logits)
        self.searching[rows[won]] = False

    def _batch(self, ball: NormThreat, rows: Tensor) -> Batch:
        return Batch(
            samples=self.samples.rows(rows),
            attempt=torch.zeros_like(rows),
            clean_logits=None,
            criterion=self.model.criterion,
            threat=ball,
            bounds=self.model.bounds,
            random=SampleRandom(self.seed, self.made.info.name),
        )
