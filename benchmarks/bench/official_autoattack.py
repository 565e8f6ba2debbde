"""Official AutoAttack (version standard) from a checkout of fra31/auto-attack, as a peer of our suites."""

from __future__ import annotations

from pathlib import Path

from robustkit.benchmarks.bench.checkouts import Function, Unit, load, run_function
from robustkit.benchmarks.bench.contender import Contender, Ground, as_peer
from robustkit.errors import UsageError
from robustkit.threats import NormThreat

NAME = "fra31/auto-attack"
BATCH = 250  # AutoAttack's default


def official_autoattack(ground: Ground, path: Path, against: Contender) -> Contender:
    """AutoAttack as published, on the same model, images, threat and seed.

    Raises
    ------
    UsageError
        If the path is not a checkout of it, or it does not support the norm.
    """
    threat = ground.threat
    package = load(path, "autoattack", "--autoattack")
    if not hasattr(package, "AutoAttack"):
        raise UsageError(f"--autoattack {path} has no class AutoAttack: give the folder of a checkout of {NAME}")
    if not isinstance(threat, NormThreat) or threat.norm == "l0":
        raise UsageError(f"--autoattack supports linf, l2 and l1 threats, not {threat.id!r}: omit the option")
    norm = threat.norm.capitalize()

    def prepare(network: Unit, eps: float) -> Function:
        attack = package.AutoAttack(
            network, norm=norm, eps=eps, seed=ground.seed, version="standard", verbose=False, device=ground.model.device
        )
        return lambda x, y: attack.run_standard_evaluation(x, y, bs=ground.model.batch_size or BATCH)

    return as_peer(Contender(NAME, "peer", run_function(ground, prepare)), against)
