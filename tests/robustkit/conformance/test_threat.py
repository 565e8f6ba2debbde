"""Every registered threat passes the checks, and each check catches a threat that breaks its promise."""

import re
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from robustkit.conformance.threat import check_kind
from robustkit.registry import Plugin, plugins
from robustkit.threats import RenderedThreat


@pytest.mark.parametrize("kind", [name for name, plugin in plugins("threats").items() if plugin.distribution == "robustkit"])
def test_a_built_in_threat_keeps_the_contract(kind):
    assert check_kind(kind, plugins("threats")[kind].load()) == []


@dataclass(frozen=True, kw_only=True)
class Lighter(RenderedThreat):
    kind: ClassVar[str] = "mine/lighter"
    examples: ClassVar[tuple[str, ...]] = ("mine/lighter:0.1",)

    def limits(self, x):
        return torch.zeros(1).double(), torch.full((1,), self.size).double()

    def transform(self, x, parameters, bounds):
        return (x + parameters[:, 0, None, None, None].to(x)).clamp(*bounds)


class Silent(Lighter):
    examples = ()


class Misnamed(Lighter):
    kind = "lighter"


class Overflowing(Lighter):
    def transform(self, x, parameters, bounds):
        return x + parameters[:, 0, None, None, None].to(x)


class Anything(Lighter):
    def contains(self, x, x_adv, bounds, witness=None):
        return torch.ones(len(x), dtype=torch.bool)


class Coupled(Lighter):
    def transform(self, x, parameters, bounds):
        return super().transform(x, parameters.mean(0, keepdim=True).expand_as(parameters), bounds)


class Writing(Lighter):
    def distance(self, x, x_adv):
        x.zero_()
        return super().distance(x, x_adv)


class Crashing(Lighter):
    def limits(self, x):
        raise ZeroDivisionError("oops")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Silent, r"^example .*has no example that starts with 'mine/lighter:'"),
        (Misnamed, r"^text .*: .*'lighter' is unknown|^text .*of unknown kind 'lighter'"),
        (Overflowing, r"^rendering .*images rendered within its limits are outside the bounds"),
        (Anything, r"^membership .*contains an image with a value below the bounds"),
        (Coupled, r"^rendering .*depend on the other samples"),
        (Writing, r"^membership .*the caller's images changed"),
        (Crashing, r"^rendering .*ZeroDivisionError"),
    ],
)
def test_a_broken_promise_is_found(broken, message, monkeypatch):
    plugin = Plugin("mine/lighter", "threats", None, "mine", "1")
    monkeypatch.setattr(Plugin, "load", lambda self: broken)
    monkeypatch.setitem(plugins("threats"), "mine/lighter", plugin)
    found = [str(finding) for finding in check_kind("mine/lighter", broken)]
    assert any(re.search(message, each) for each in found), found


def test_a_threat_that_keeps_the_contract_passes(monkeypatch):
    monkeypatch.setattr(Plugin, "load", lambda self: Lighter)
    monkeypatch.setitem(plugins("threats"), "mine/lighter", Plugin("mine/lighter", "threats", None, "mine", "1"))
    assert check_kind("mine/lighter", Lighter) == []
