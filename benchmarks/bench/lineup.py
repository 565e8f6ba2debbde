"""The contenders of a bench: the requested attacks and suites, each followed by its peers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robustkit import build
from robustkit.benchmarks.bench.adversarial_library import library_peers
from robustkit.benchmarks.bench.contender import Contender, Ground, attack_contender
from robustkit.benchmarks.bench.official_autoattack import official_autoattack
from robustkit.benchmarks.bench.peers import peers_of
from robustkit.benchmarks.bench.protocol import PREFIX, protocol_contender
from robustkit.benchmarks.bench.result import SkippedPeer
from robustkit.contracts.attack import check_threat
from robustkit.errors import UsageError

#: The suites that official AutoAttack can be compared with; the first requested one is used.
BESIDE_AUTOATTACK = (f"{PREFIX}autoattack", f"{PREFIX}standard")


def line_up(
    ground: Ground,
    specs: Sequence[str],
    *,
    peers: bool,
    autoattack: Path | None,
    adversarial_library: Path | None,
) -> tuple[list[Contender], list[SkippedPeer]]:
    """The contenders in order, and the skipped peers with the reason.

    Parameters
    ----------
    specs
        Attacks as ``name:key=value`` and suites as ``suite:NAME``.
    peers
        Whether other libraries take part.
    autoattack, adversarial_library
        Folders of checkouts of fra31/auto-attack and jeromerony/adversarial-library.

    Raises
    ------
    UsageError
        If an attack or suite is unknown or does not support the threat, a folder is not such a checkout,
        or AutoAttack has no suite to be compared with.
    """
    found: list[Contender] = []
    skipped: list[SkippedPeer] = []
    specs = list(dict.fromkeys(specs))
    official = next((name for name in BESIDE_AUTOATTACK if name in specs), None)
    if autoattack is not None and official is None:
        raise UsageError(
            f"--autoattack {autoattack} needs {' or '.join(BESIDE_AUTOATTACK)}: name one with --attacks, or omit the option"
        )
    for spec in specs:
        if spec.startswith(PREFIX):
            ours = protocol_contender(ground, spec)
            found.append(ours)
            if peers and autoattack is not None and spec == official:
                found.append(official_autoattack(ground, autoattack, ours))
            continue
        attack = build.attack(spec)
        check_threat(attack, ground.threat)
        ours = attack_contender(ground, spec, attack)
        found.append(ours)
        if peers:
            sources = [peers_of(ground, ours, attack)]
            if adversarial_library is not None:
                sources.append(library_peers(ground, adversarial_library, ours, attack))
            for joining, missing in sources:
                found += joining
                skipped += missing
    return found, skipped
