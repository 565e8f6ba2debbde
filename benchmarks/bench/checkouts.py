"""Attacks imported from a checkout of another project, run on images in [0, 1] and verified like all others."""

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

from robustkit.benchmarks.bench.contender import Answer, Ground, Run, counted, still_correct
from robustkit.benchmarks.bench.raw import Whole
from robustkit.errors import UsageError
from robustkit.losses import is_adversarial
from robustkit.threats.norm import NormThreat, in_box

#: Modules that a checkout imports only for plotting.
UNUSED = ("visdom",)

#: Images and labels in, images out; all in [0, 1].
Function = Callable[[Tensor, Tensor], Tensor]


def load(path: Path, module: str, option: str) -> ModuleType:
    """Import a module of a checkout. The path is on `sys.path` during this import only.

    Raises
    ------
    UsageError
        If the checkout does not contain the module, or it cannot be imported.
    """
    package = module.partition(".")[0]
    if not (path / module.replace(".", "/") / "__init__.py").is_file():
        raise UsageError(f"{option} {path} does not contain package {module!r}: give the folder of a checkout that does")
    home, known = (path / package).resolve(), sys.modules.get(package)
    if known is not None and home not in [Path(place).resolve() for place in known.__path__]:
        raise UsageError(f"{option} {path}: another {package!r} is already imported from {next(iter(known.__path__))}")
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
    """A model as one network for images in [0, 1], whatever its bounds; the model counts the passes."""

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, K)`` of images ``(B, C, H, W)`` in [0, 1]."""
        return super().forward(self.in_bounds(x))

    def in_bounds(self, x: Tensor) -> Tensor:
        """Images in [0, 1], scaled to the model's bounds."""
        low, high = self.model.bounds
        return low + (high - low) * x


def run_function(ground: Ground, prepare: Callable[[Unit, float], Function]) -> Run:
    """A run of the function that `prepare` returns for a network and for eps in the unit of images in [0, 1]."""

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
    """Let weights require gradients, as outside an audit: computing them is part of the peer's cost."""
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
    """The verified answer: images are projected into the threat for robust accuracy, and unchanged for distances."""
    model, x, y, threat = ground.model, ground.x, ground.y, ground.threat
    assert isinstance(threat, NormThreat)
    inside = threat.contains(x, returned, model.bounds)
    x_adv = torch.where(inside[:, None, None, None], returned, threat.project(x, returned, model.bounds))
    valid = is_adversarial(model.logits(returned), y, None) & in_box(returned, model.bounds)
    wrong = is_adversarial(model.logits(x), y, None)
    distance = torch.where(valid, threat.distance(x, returned), torch.inf)
    robust = still_correct(model, x, x_adv, y, threat)
    distance = torch.where(wrong, 0, distance).double()
    return Answer(robust.cpu(), distance.cpu(), forwards, backwards)
