"""Every registered defense passes the checks, and each check catches a defense that breaks its promise."""

import re
from dataclasses import dataclass

import pytest
import torch
from torch.nn.functional import cross_entropy

from robustkit.conformance.defense import check_defense
from robustkit.contracts.preprocessor import DefenseInfo, Preprocessor
from robustkit.contracts.recipe import Recipe
from robustkit.errors import UsageError
from robustkit.registry import build, plugins

EXACT = DefenseInfo(name="mine", kind="preprocessor", gradient="exact", paper="")
TRAINING = DefenseInfo(name="mine", kind="training", paper="")


@pytest.mark.parametrize("name", [name for name, plugin in plugins("defenses").items() if plugin.distribution == "robustkit"])
def test_a_built_in_defense_keeps_the_contract(name):
    assert check_defense(build("defenses", name, {})) == []


@dataclass(frozen=True)
class Same(Preprocessor):
    info = EXACT

    def apply(self, x, bounds):
        return x


class Noisy(Same):
    def apply(self, x, bounds):
        return (x + 0.1 * torch.randn_like(x)).clamp(*bounds)


class Smaller(Same):
    def apply(self, x, bounds):
        return x[..., 1:]


class Doubling(Same):
    def apply(self, x, bounds):
        return 2 * x


class Averaging(Same):
    def apply(self, x, bounds):
        return (x + x.mean(0)) / 2


class Rounding(Same):
    def apply(self, x, bounds):
        return x.round()


class Detached(Same):
    def apply(self, x, bounds):
        return x.detach()


class Unstated(Same):
    info = DefenseInfo(name="mine", kind="preprocessor", paper="")


@dataclass(frozen=True)
class Plain(Recipe):
    info = TRAINING
    needs_threat = False

    def loss(self, batch):
        return cross_entropy(batch.forward(batch.x), batch.y)


class Rows(Plain):
    def loss(self, batch):
        return cross_entropy(batch.forward(batch.x), batch.y, reduction="none")


class Untrained(Plain):
    def loss(self, batch):
        return batch.x.sum().requires_grad_()


class Drawing(Plain):
    def loss(self, batch):
        return super().loss(batch) * torch.rand(())


class Overwriting(Plain):
    def loss(self, batch):
        batch.x.zero_()
        return super().loss(batch)


class Refusing(Plain):
    def check(self, threat):
        raise UsageError("never")


class Crashing(Plain):
    def loss(self, batch):
        raise ZeroDivisionError("oops")


class Unkind(Plain):
    info = EXACT


@pytest.mark.parametrize("kept", [Same, Noisy, Plain])
def test_a_defense_that_keeps_the_contract_passes(kept):
    before = torch.get_rng_state()
    assert check_defense(kept()) == []
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (object, "neither a Preprocessor nor a Recipe"),
        (Smaller, r"become \(8, 3, 12, 11\): expected the same"),
        (Doubling, "are outside the bounds"),
        (Averaging, "depends on the other images of the batch"),
        (Rounding, "vanishes or is not finite: use 'straight-through'"),
        (Detached, "but there is none: use 'straight-through'"),
        (Unstated, "its info has no gradient"),
        (Rows, "expected a finite scalar"),
        (Untrained, r"no gradient reaches the parameter 0.weight: compute the loss from batch\.forward"),
        (Drawing, "another loss the second time"),
        (Overwriting, "the images or labels of the batch changed"),
        (Refusing, "no case exercises it.*never"),
        (Crashing, "ZeroDivisionError"),
        (Unkind, "no info: add a DefenseInfo with kind='training'"),
    ],
)
def test_a_broken_promise_is_found(broken, message):
    found = [str(finding) for finding in check_defense(broken())]
    assert any(re.search(message, each) for each in found), found
