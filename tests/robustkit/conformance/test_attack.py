"""The checks find attacks that break the contract."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from robustkit.conformance.attack import check_attack
from robustkit.contracts.attack import Attack, AttackInfo
from robustkit.engine.stepping import State
from robustkit.iterative import IterativeAttack

INFO = AttackInfo(name="bad", threats=("linf",), knowledge="white-box", targeted=False, cost="", paper="")


@dataclass(frozen=True, kw_only=True)
class Walk(IterativeAttack[State]):
    """A harmless iterative attack for the bad ones to spoil."""

    steps: int = 2
    info: ClassVar[AttackInfo] = INFO

    def start(self, batch):
        return State(x_adv=batch.x)

    def step(self, batch, state, response):
        return State(x_adv=batch.threat.project(batch.x, state.x_adv + 0.02 * response.grad.sign(), batch.bounds))


class OnlyBrighter(Walk):
    """Leaves a white image as it is: it has nowhere to go."""

    def step(self, batch, state, response):
        return State(x_adv=batch.threat.project(batch.x, state.x_adv + 0.02, batch.bounds))


class FarTooFar(Walk):
    def step(self, batch, state, response):
        return State(x_adv=state.x_adv + 1)


class LooksAtNeighbours(Walk):
    def step(self, batch, state, response):
        return State(x_adv=batch.threat.project(batch.x, batch.x.flip(0), batch.bounds))


class DrawsFromTheGlobalState(Walk):
    def start(self, batch):
        return State(x_adv=(batch.x + 0.01 * torch.rand_like(batch.x)).clamp(*batch.bounds))


class LiesAboutItsCost(Walk):
    def cost(self, threat, num_classes):
        return 1, 1


@dataclass(frozen=True, kw_only=True)
class ClaimsTheImpossible(Attack):
    info: ClassVar[AttackInfo] = INFO

    def run(self, model, samples, threat, seed):
        result = Walk().run(model, samples, threat, seed)
        return replace(result, success=torch.ones_like(result.success), x_adv=samples.x)


@dataclass(frozen=True, kw_only=True)
class LeavesATrace(Attack):
    info: ClassVar[AttackInfo] = INFO

    def run(self, model, samples, threat, seed):
        model.net.eval()
        torch.rand(())
        return Walk().run(model, samples, threat, seed)


def broken(attack):
    return {finding.check for finding in check_attack(attack, classes=(3,), dtypes=(torch.float64,))}


def test_a_sound_attack_passes():
    assert broken(Walk()) == set()


def test_an_attack_whose_step_is_clipped_away_passes():
    assert check_attack(OnlyBrighter()) == []


def test_each_broken_promise_is_named():
    assert "result" in broken(FarTooFar())
    assert "batch independence" in broken(LooksAtNeighbours())
    assert "passes" in broken(LiesAboutItsCost())
    assert "result" in broken(ClaimsTheImpossible())
    assert "caller untouched" in broken(LeavesATrace())


def test_an_attack_that_crashes_is_reported_not_raised():
    class Crashes(Walk):
        def start(self, batch):
            raise ZeroDivisionError("oops")

    findings = check_attack(Crashes(), classes=(3,), dtypes=(torch.float64,))
    assert findings
    assert "ZeroDivisionError: oops" in str(findings[0])


@dataclass(frozen=True, kw_only=True)
class AlwaysRaises(Attack):
    info: ClassVar[AttackInfo] = replace(INFO, threats=("wasserstein",))

    def run(self, model, samples, threat, seed):
        raise RuntimeError("oops")


@dataclass(frozen=True, kw_only=True)
class AnswersNothing(AlwaysRaises):
    info: ClassVar[AttackInfo] = replace(INFO, threats=())


@dataclass(frozen=True, kw_only=True)
class SaysNothing(AlwaysRaises):
    info: ClassVar = None


def test_a_threat_that_no_case_exercises_is_a_finding():
    for attack in (AlwaysRaises(), AnswersNothing(), SaysNothing()):
        assert broken(attack) == {"exercise"}

    class Both(Walk):
        info: ClassVar[AttackInfo] = replace(INFO, threats=("linf", "wasserstein"))

    assert [str(finding) for finding in check_attack(Both(), classes=(3,), dtypes=(torch.float64,))] == [
        "exercise [wasserstein]: no case exercises this kind of threat: threat 'wasserstein' is unknown: known: brightness, contrast, "
        "corruption, flow, hue, l0, l1, l2, linf, patch, recolor, sensor, …."
    ]
