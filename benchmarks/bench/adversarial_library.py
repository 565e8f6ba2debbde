"""The counterparts of our attacks in a checkout of jeromerony/adversarial-library, with the same number of passes."""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from robustkit.benchmarks.bench.checkouts import Function, Unit, load, run_function
from robustkit.benchmarks.bench.contender import Contender, Ground, as_peer
from robustkit.benchmarks.bench.peers import lacking, written
from robustkit.benchmarks.bench.result import SkippedPeer
from robustkit.contracts.attack import Attack
from robustkit.registry import parse_spec
from robustkit.threats import NormThreat

NAME, PACKAGE = "adv_lib", "adv_lib.attacks"

#: By our attack's name: norms and function, its parameters as in `PEERS`. Like ours, they do not round to 8 bits.
FUNCTIONS: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "pgd": (
        (
            ("linf",),
            "pgd_linf:ε={eps},steps={steps},absolute_step_size={step_size},random_init={random_start},restarts={restarts}",
        ),
    ),
    "apgd-ce": (
        (("linf", "l2"), "apgd:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},loss_function=ce"),
        (("l1",), "apgd:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},loss_function=ce,use_large_reps=true"),
    ),
    "apgd-dlr": (
        (("linf", "l2"), "apgd:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},loss_function=dlr"),
        (("l1",), "apgd:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},loss_function=dlr,use_large_reps=true"),
    ),
    "apgd-t": (
        (("linf", "l2"), "apgd_targeted:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},num_targets={targets}"),
        (
            ("l1",),
            "apgd_targeted:eps={eps},n_iter={steps},n_restarts={restarts},rho={rho},num_targets={targets},use_large_reps=true",
        ),
    ),
    "fab": ((("linf", "l2", "l1"), "fab:n_iter={steps},ε={eps},α_max={alpha_max},β={beta},η={eta},restarts={restarts}"),),
    "fab-t": (
        (
            ("linf", "l2", "l1"),
            "fab:n_iter={steps},ε={eps},α_max={alpha_max},β={beta},η={eta},restarts={targets},targeted_restarts=true",
        ),
    ),
    "cw": (
        (
            ("l2",),
            "carlini_wagner_l2:max_iterations={steps},binary_search_steps={searches},learning_rate={learning_rate},"
            "initial_const={initial_const},confidence={confidence},abort_early=false",
        ),
    ),
    "ddn": ((("l2",), "ddn:steps={steps},γ={gamma},levels=none"),),
    "fmn": ((("linf", "l2", "l1", "l0"), "fmn:steps={steps},α_init={step_size},γ_init={gamma}"),),
    "pdgd": ((("l2",), "pdgd:num_steps={steps}"),),
    "pdpgd": ((("linf", "l2", "l1", "l0"), "pdpgd:num_steps={steps}"),),
    "sigma-zero": (
        (("l0",), "sigma_zero:num_steps={steps},η_0={step_size},σ={sigma},τ_0={threshold},τ_factor={threshold_rate}"),
    ),
    "deepfool": ((("linf", "l2"), "df:steps={steps},overshoot={overshoot}"),),
    "superdeepfool": ((("l2",), "sdf:steps={steps},overshoot={overshoot}"),),
}


def library_peers(ground: Ground, path: Path, ours: Contender, attack: Attack) -> tuple[list[Contender], list[SkippedPeer]]:
    """The library's version of one of our attacks, if there is one, or the reason why it cannot run.

    Raises
    ------
    UsageError
        If the path is not a checkout of the library.
    """
    package = load(path, PACKAGE, "--adversarial-library")
    threat = ground.threat
    if not isinstance(threat, NormThreat):
        return [], []
    template = next((each for norms, each in FUNCTIONS.get(attack.info.name, ()) if threat.norm in norms), None)
    if template is None:
        return [], []
    spec = written(template, attack, ground)
    name, values = parse_spec(spec)
    missing = lacking(template, attack) or ("" if hasattr(package, name) else "the checkout has no such function")
    if missing:
        return [], [SkippedPeer(name=f"{NAME}/{name} beside {ours.name}", reason=missing)]
    function = getattr(package, name)
    if "norm" in inspect.signature(function).parameters:
        values["norm"] = {"linf": math.inf, "l2": 2.0, "l1": 1.0, "l0": 0.0}[threat.norm]
    run = run_function(ground, lambda network, eps: on_correct_images(network, function, values))
    return [as_peer(Contender(f"{NAME}/{spec}", "peer", run), ours)], []


def on_correct_images(network: Unit, function: Any, values: dict[str, Any]) -> Function:
    """The function restricted to correctly classified images, in chunks, because the library attacks every image passed to it."""

    def attack(x: Tensor, y: Tensor) -> Tensor:
        images = network.in_bounds(x)
        rows = (network.model.logits(images).argmax(1) == y).nonzero().squeeze(1)
        found = x.clone()
        for part in torch.split(rows, network.model.chunk_size(images)):
            found[part] = function(network, x[part], y[part], **values).detach().to(x)
        return found

    return attack
