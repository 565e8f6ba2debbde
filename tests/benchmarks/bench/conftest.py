"""Checkouts of other people's attacks, as far as a bench needs them, and a network small enough for its cases."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import Tensor, nn

from robustkit import InputSpec, Model, Threat
from robustkit.benchmarks.bench.contender import Ground
from robustkit.benchmarks.bench.result import Bench, Entry, Environment
from robustkit.data.load import as_data

AUTOATTACK = """
import torch

class AutoAttack:
    def __init__(self, model, norm, eps, seed, version, verbose, device):
        assert (norm, version) == ("Linf", "standard")
        self.model, self.eps = model, eps

    def run_standard_evaluation(self, x, y, bs):
        print("chatter")
        x_adv = (x - self.eps).clamp(0, 1)
        fooled = self.model(x_adv).argmax(1) != y
        return torch.where(fooled[:, None, None, None], x_adv, x)
"""

FMN = """
import visdom

def fmn(model, inputs, labels, norm, steps=10, α_init=1.0, γ_init=0.05):
    assert (norm, steps) == (float("inf"), 7)
    for _ in range(steps):
        model(inputs)
    return inputs - 0.15
"""


@pytest.fixture
def ground(linear_model: Model, linear_data: tuple[Tensor, Tensor]) -> Ground:
    """The linear model and its images under a threat that reaches the ten of them within 0.10 of the boundary."""
    return Ground(linear_model, as_data(linear_data), *linear_data, Threat.parse("linf:0.105"), 0)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """A checkout leaves no trace in the interpreter."""
    path = list(sys.path)
    yield
    assert sys.path == path
    assert "visdom" not in sys.modules or hasattr(sys.modules["visdom"], "__file__")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("autoattack", "adv_lib")]:
        del sys.modules[name]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A checkout of AutoAttack, whose attack is one step against the label."""
    (tmp_path / "autoattack").mkdir()
    (tmp_path / "autoattack" / "__init__.py").write_text(AUTOATTACK)
    return tmp_path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A checkout of adversarial-library, which has one attack."""
    (tmp_path / "adv_lib" / "attacks").mkdir(parents=True)
    (tmp_path / "adv_lib" / "__init__.py").write_text("")
    (tmp_path / "adv_lib" / "attacks" / "__init__.py").write_text(FMN)
    return tmp_path


@pytest.fixture
def small() -> Model:
    """A network for the images of the cases that measure the machinery."""
    net = nn.Sequential(nn.Conv2d(3, 4, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 1000))
    return Model(net, spec=InputSpec(size=(64, 64)), device="cpu")


@pytest.fixture(scope="session")
def stopwatch() -> Callable[..., Callable[[], float]]:
    """A clock whose readings stand around runs that take so long."""

    def make(*durations: float) -> Callable[[], float]:
        ends = list(itertools.accumulate(durations))
        readings = itertools.chain.from_iterable(zip([0.0, *ends[:-1]], ends, strict=True))
        return lambda: next(readings)

    return make


@pytest.fixture(scope="session")
def a_bench() -> Callable[..., Bench]:
    """A bench of some entries, with what a test changes."""

    def make(*entries: Entry, **changed: object) -> Bench:
        place = Environment(python="3", versions={"torch": "2"}, device="cpu", hardware="a chip", cpus=2, threads=2)
        plain = {"case": "attacks", "model": "m", "data": "d", "n": 10, "threat": "l2:1", "repeats": 1, "environment": place}
        return Bench.model_validate({**plain, "entries": list(entries), **changed})

    return make
