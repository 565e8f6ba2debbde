"""The same descent by other libraries: projected gradient descent of ART, foolbox and torchattacks, where installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor

from robustkit.benchmarks.bench.raw import Whole
from robustkit.contract import Attack
from robustkit.model import Model
from robustkit.threats import NormThreat, Threat

PEERS = {"art": "adversarial-robustness-toolbox", "foolbox": "foolbox", "torchattacks": "torchattacks"}

Run = Callable[[Tensor, Tensor], Tensor]  #: images and labels to adversarial images


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Projected gradient descent in the terms that all libraries share.

    Parameters
    ----------
    norm
        ``linf`` or ``l2``.
    eps, step_size
        In the unit of the bounds.
    steps
        Steps from one start.
    random_start
        Whether that start is drawn from the ball.
    """

    norm: str
    eps: float
    step_size: float
    steps: int
    random_start: bool


def same_descent(attack: Attack, threat: Threat) -> Descent | None:
    """An attack in the peers' terms; None if they have no such attack."""
    if not (isinstance(threat, NormThreat) and threat.norm in ("linf", "l2") and not threat.targeted):
        return None
    written: Any = attack
    match attack.info.name:
        case "pgd" if written.restarts == 1:
            return Descent(
                norm=threat.norm,
                eps=threat.eps,
                step_size=written.step_size or 2.5 * threat.eps / written.steps,
                steps=written.steps,
                random_start=written.random_start,
            )
        case "fgsm" if threat.norm == "linf":
            return Descent(norm=threat.norm, eps=threat.eps, step_size=threat.eps, steps=1, random_start=False)
    return None


def peer_version(name: str) -> str | None:
    """The version of an installed peer; None if it is not installed."""
    try:
        return version(PEERS[name])
    except PackageNotFoundError:
        return None


def prepare_peer(name: str, model: Model, descent: Descent, shape: tuple[int, ...]) -> Run | str:
    """A peer's attack on a model, ready to run, or why there is none. Images are handed over in the model's own batches."""
    if peer_version(name) is None:
        return f"not installed (pip install {PEERS[name]})"
    if name == "torchattacks" and model.bounds != (0.0, 1.0):
        return f"takes images in [0, 1] only, and the model's bounds are {list(model.bounds)}"
    network = Whole(model)
    try:
        attack = {"art": _art, "foolbox": _foolbox, "torchattacks": _torchattacks}[name](network, model, descent, shape)
    except ImportError as error:
        return f"cannot be imported: {error}"

    def run(x: Tensor, y: Tensor) -> Tensor:
        chunk = model.chunk_size(x)
        with model.frozen(0), torch.enable_grad():
            parts = [
                attack(images, labels) for images, labels in zip(torch.split(x, chunk), torch.split(y, chunk), strict=True)
            ]
        return torch.cat(parts).detach().to(x)

    return run


def _art(network: Whole, model: Model, descent: Descent, shape: tuple[int, ...]) -> Run:
    import numpy as np
    from art.attacks.evasion.projected_gradient_descent.projected_gradient_descent_pytorch import (
        ProjectedGradientDescentPyTorch,
    )
    from art.estimators.classification import PyTorchClassifier

    classifier = PyTorchClassifier(
        model=network,
        loss=torch.nn.CrossEntropyLoss(),
        input_shape=shape,
        nb_classes=model.num_classes((shape[1], shape[2])),
        clip_values=model.bounds,
        device_type="gpu" if model.device.type == "cuda" else "cpu",
    )
    attack = ProjectedGradientDescentPyTorch(
        classifier,
        norm=np.inf if descent.norm == "linf" else 2,
        eps=descent.eps,
        eps_step=descent.step_size,
        max_iter=descent.steps,
        num_random_init=int(descent.random_start),
        batch_size=2**31,
        verbose=False,
    )
    return lambda x, y: torch.from_numpy(attack.generate(x.cpu().numpy(), y.cpu().numpy()))


def _foolbox(network: Whole, model: Model, descent: Descent, shape: tuple[int, ...]) -> Run:
    foolbox: Any = import_module("foolbox")  # its names are not exported for type checkers
    wrapped = foolbox.PyTorchModel(network.eval(), bounds=model.bounds, device=model.device)
    kind = {
        "linf": foolbox.attacks.LinfProjectedGradientDescentAttack,
        "l2": foolbox.attacks.L2ProjectedGradientDescentAttack,
    }[descent.norm]
    attack = kind(abs_stepsize=descent.step_size, steps=descent.steps, random_start=descent.random_start)
    return lambda x, y: attack(wrapped, x, foolbox.criteria.Misclassification(y), epsilons=descent.eps)[1]


def _torchattacks(network: Whole, model: Model, descent: Descent, shape: tuple[int, ...]) -> Run:
    import torchattacks

    kind = {"linf": torchattacks.PGD, "l2": torchattacks.PGDL2}[descent.norm]
    attack = kind(
        network.eval(),
        eps=descent.eps,
        alpha=descent.step_size,
        steps=descent.steps,
        random_start=descent.random_start,
    )
    return lambda x, y: attack(x, y)
