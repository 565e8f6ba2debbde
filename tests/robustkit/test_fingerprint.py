"""A fingerprint covers all that can change an answer, and nothing that changes by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from robustkit import InputSpec, Model, defend

SPEC = InputSpec(channels=1, size=(4, 4))


def of(net: nn.Module, **options: Any) -> str:
    return Model(net, spec=SPEC, device="cpu", **options).fingerprint()


class Net(nn.Module):
    """Plain attributes, buffers of both kinds, and a helper outside."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 3)
        nn.init.ones_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("kept", torch.ones(1))
        self.register_buffer("unkept", torch.ones(1), persistent=False)
        self.scale: Any = 2.0
        self.hidden: list[Any] = [nn.Identity()]
        self.calls = 0
        self.last: Any = None

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x * self.calls
        return self.linear(x.flatten(1)) * self.scale * self.kept * self.unkept


def other_forward(self: Net, x: Tensor) -> Tensor:
    return self.linear(x.flatten(1)) + 0


def with_weight(net: Net) -> None:
    with torch.no_grad():
        net.linear.weight[0, 0] = 2


CHANGES: dict[str, Callable[[Net], Any]] = {
    "a weight": with_weight,
    "a buffer": lambda net: net.kept.mul_(1.001),
    "a buffer that is not saved": lambda net: net.unkept.mul_(1.001),
    "a plain attribute": lambda net: setattr(net, "scale", 2.001),
    "a tensor as an attribute": lambda net: setattr(net, "scale", torch.tensor(2.0)),
    "a module in a list": lambda net: net.hidden.__setitem__(0, nn.ReLU()),
    "a bound forward": lambda net: setattr(net, "forward", types.MethodType(other_forward, net)),
    "a hook": lambda net: net.linear.register_forward_hook(lambda module, x, y: y + 1e-9),
    "an earlier hook": lambda net: net.register_forward_pre_hook(lambda module, x: None),
    "a structure": lambda net: setattr(net, "linear", nn.Sequential(net.linear)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_it_changes_with(change: Callable[[Net], Any]) -> None:
    net = Net()
    before = of(net)
    change(net)
    assert of(net) != before


def test_it_does_not_change_with_use_batch_size_or_threads() -> None:
    net = Net()
    before = of(net)
    model = Model(net, spec=SPEC, device="cpu", batch_size=1)
    model.logits(torch.rand(5, 1, 4, 4))
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert model.fingerprint() == before == of(Net())
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
    assert model.forwards == 5


def test_preprocessing_and_defenses_belong_to_it() -> None:
    model = Model(Net(), spec=SPEC, device="cpu")
    others = [
        Model(Net(), spec=SPEC, device="cpu", mean=[0.5], std=[0.5]),
        Model(Net(), spec=SPEC, device="cpu", bounds=(0, 2)),
        defend(model, "bit-depth", bits=3),
        defend(model, "bit-depth", bits=4),
    ]
    assert len({each.fingerprint() for each in (model, *others)}) == 5
    assert defend(model, "bit-depth", bits=3).fingerprint() == others[2].fingerprint()


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        return torch.stack([mean, -mean], 1)


class Opposite(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(1)
        return torch.stack([-mean, mean], 1)


def test_nets_without_parameters_differ_by_their_code() -> None:
    twin = type("Plain", (nn.Module,), {"forward": Opposite.forward, "__module__": __name__, "__qualname__": "Plain"})
    assert of(Plain()) == of(Plain())
    assert len({of(Plain()), of(Opposite()), of(twin())}) == 3


class Noisy(Plain):
    def __init__(self, own: bool) -> None:
        super().__init__()
        self.generator = torch.Generator() if own else None
        if self.generator is not None:
            self.generator.seed()

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + torch.randn(len(x), 2, generator=self.generator)


@pytest.mark.parametrize("own", [False, True])
def test_a_randomised_model_has_one_fingerprint(own: bool) -> None:
    state = torch.random.get_rng_state()
    assert of(Noisy(own)) == of(Noisy(own))
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_model_of_one_odd_size_is_known_by_the_rest() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(49, 2))
    model = Model(net, spec=InputSpec(channels=1), device="cpu")
    before = model.fingerprint()
    with torch.no_grad():
        net[1].bias += 1
    assert model.fingerprint() != before


def test_a_traced_model_is_known_by_its_graph() -> None:
    x = torch.rand(1, 1, 4, 4)
    traced = [torch.jit.trace(net, x) for net in (Plain(), Plain(), Opposite())]
    first, same, other = (of(net) for net in traced)
    assert first == same != other


def test_a_compiled_network_keeps_its_fingerprint_without_being_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("compiled")

    net = torch.compile(Plain(), backend=refuse)
    assert of(net) == of(torch.compile(Plain(), backend=refuse)) != of(torch.compile(Opposite(), backend=refuse))


SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import lookup, stranger
from robustkit import InputSpec, Model
model = Model(stranger.Net(), spec=InputSpec(channels=1, size=(4, 4)), device="cpu")
print(model.fingerprint())
lookup.SCALE = 2.0000001
print(model.fingerprint())
"""

STRANGER = """
import torch
from torch import nn
import lookup

KNOWN = {"b", "a", "c"}

def scaled(x):
    return x * lookup.SCALE

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.kinds = {"b", "a", "c"}
        self.act = lambda x: x
        self.options = type("Options", (), {})()

    def forward(self, x):
        assert "a" in KNOWN
        mean = scaled(x.flatten(1).mean(1))
        return torch.stack([mean, -mean], 1) if "b" in {"a", "b"} else self.act(x)
"""


def test_it_is_the_same_in_every_process_until_what_its_code_uses_changes(tmp_path: Path) -> None:
    (tmp_path / "stranger.py").write_text(STRANGER)
    (tmp_path / "lookup.py").write_text("SCALE = 2.0\n")
    script = SCRIPT.format(folder=str(tmp_path))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    answers = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] != answers[0][1]
