"""Attacks from a checkout of another project's code: imported from its path, run on images in [0, 1], judged like all others."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from robustkit.benchmarks.bench.contender import Answer, Ground, Run, counted, still_right
from robustkit.benchmarks.bench.raw import Whole
from robustkit.errors import UsageError
from robustkit.losses import is_adversarial
from robustkit.threats.norm import NormThreat, in_box

#: What a checkout imports for its plots alone.
UNUSED = ("visdom",)

#: Images and labels in, images out; all in [0, 1].
Function = Callable[[Tensor, Tensor], Tensor]


def load(path: Path, module: str, option: str) -> ModuleType:
    """A module of a checkout. The path is searched during this import only.

    Raises
    ------
    UsageError
        If the checkout holds no such module, or it cannot be imported.
    """
    package = module.partition(".")[0]
    if not (path / module.replace(".", "/") / "__init__.py").is_file():
        raise UsageError(f"{option} {path} holds no package {module!r}: give the folder of a checkout that does")
    home, known = (path / package).resolve(), sys.modules.get(package)
    if known is not None and home not in [Path(place).resolve() for place in known.__path__]:
        raise UsageError(f"{option} {path}: another {package!r} is imported already, from {next(iter(known.__path__))}")
    absent = {name: ModuleType(name) for name in UNUSED if name not in sys.modules and find_spec(name) is None}
    sys.modules.update(absent)
    sys.path.insert(0, str(path.resolve()))
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{option} {path} cannot be imported: {error}") from error
    finally:
        sys.path.remove(str(path.resolve()))
        for name in absent:
            del sys.modules[name]


class Unit(Whole):
    """A model as one network that takes images in [0, 1], whatever its bounds; the model counts the passes."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, C, H, W)`` in [0, 1]."""
        return super().forward(self.in_bounds(x))

    def in_bounds(self, x: Tensor) -> Tensor:
        """Images in [0, 1] in the model's bounds."""
        low, high = self.model.bounds
        return low + (high - low) * x


def run_function(ground: Ground, prepare: Callable[[Unit, float], Function]) -> Run:
    """The work of a function that `prepare` makes for a network and an eps in the unit of its images."""

    def run() -> Callable[[], Answer]:
        returned, forwards, backwards = counted(ground.model, partial(_attacked, ground, prepare))
        return partial(judged, ground, returned, forwards, backwards)

    return run


def _attacked(ground: Ground, prepare: Callable[[Unit, float], Function]) -> Tensor:
    model, threat, x = ground.model, ground.threat, ground.x
    assert isinstance(threat, NormThreat)
    low, high = model.bounds
    weights = [parameter for parameter in model.net.parameters() if parameter.requires_grad]
    unit = ((x - low) / (high - low)).float().clamp(0, 1)
    eps = threat.eps if threat.norm == "l0" else threat.eps / (high - low)
    with model.frozen(ground.seed), collecting_gradients(weights), torch.enable_grad():
        found = prepare(Unit(model), eps)(unit, ground.y).detach()
    kept = (found == unit) | ~found.isfinite()
    return torch.where(kept, x, (low + (high - low) * found.clamp(0, 1)).to(x.dtype)).clamp(low, high)


@contextmanager
def collecting_gradients(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """The weights as their owner hands them over: what an attack's backward pass fills of them is its own cost."""
    before = [weight.grad for weight in weights]
    for weight in weights:
        weight.requires_grad_(True)
        weight.grad = None
    try:
        yield
    finally:
        for weight, grad in zip(weights, before, strict=True):
            weight.grad = grad


def judged(ground: Ground, returned: Tensor, forwards: int, backwards: int) -> Answer:
    """The answer in images: brought into the threat for its verdict, as they are for their distances."""
    model, x, y, threat = ground.model, ground.x, ground.y, ground.threat
    assert isinstance(threat, NormThreat)
    inside = threat.contains(x, returned, model.bounds)
    x_adv = torch.where(inside[:, None, None, None], returned, threat.project(x, returned, model.bounds))
    valid = is_adversarial(model.logits(returned), y, None) & in_box(returned, model.bounds)
    wrong = is_adversarial(model.logits(x), y, None)
    distance = torch.where(valid, threat.distance(x, returned), torch.inf)
    robust = still_right(model, x, x_adv, y, threat)
    distance = torch.where(wrong, 0, distance).double()
    return Answer(robust.cpu(), distance.cpu(), forwards, backwards)
