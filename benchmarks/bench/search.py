"""The speed-up of each acceleration of the search, with a bar on its effect on robust accuracy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from robustkit import build
from robustkit.acceleration import accelerate
from robustkit.benchmarks.bench.contender import Contender, attack_contender, may_fail
from robustkit.benchmarks.bench.contest import compete, ground_of
from robustkit.benchmarks.bench.protocols import points
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, SkippedPeer
from robustkit.benchmarks.bench.timing import Rounds
from robustkit.contracts.attack import check_threat
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.errors import UsageError
from robustkit.threats import Threat

SPEC = "apgd-ce:steps=20"
PLAIN = "float32"
ACCELERATIONS: dict[str, dict[str, Any]] = {
    "channels_last": {"channels_last": True},
    "fold_batch_norm": {"fold_batch_norm": True},
    "bf16": {"precision": "bf16"},
    "compiled": {"compiled": True},
}
MOVES = 0.1  #: percentage points of robust accuracy


def search(model: Model, data: Data, threat: Threat, rounds: Rounds, *, seed: int = 0) -> Bench:
    """Run 20 steps of APGD-CE on the model itself and on each kind of accelerated twin, interleaved.

    A warm-up run of each kind excludes compilation from the timing. Accelerations that the network or the machine does not
    support are skipped.
    """
    ground = ground_of(model, data, threat, seed)
    attack = build.attack(SPEC)
    check_threat(attack, threat)
    contenders: list[Contender] = [attack_contender(ground, named(PLAIN), attack)]
    skipped: list[SkippedPeer] = []
    for name, options in ACCELERATIONS.items():
        try:
            twin = accelerate(model, **options)
        except UsageError as error:
            skipped.append(SkippedPeer(name=name, reason=str(error)))
            continue
        contenders.append(may_fail(attack_contender(replace(ground, model=twin), named(name), attack)))
    for each in contenders:
        rounds.note(f"warm-up: {each.name}")
        each.run()
    bench = compete(ground, contenders, skipped, rounds)
    entries = [with_rate(entry, bench.n) for entry in bench.entries]
    bars = [
        Bar(
            name=f"change of robust accuracy (points): {each.name}",
            value=abs(points(each, entries[0])),
            limit=MOVES,
            sense="at most",
        )
        for each in entries[1:]
    ]
    return bench.model_copy(update={"case": "search", "entries": entries, "bars": bars})


def named(acceleration: str) -> str:
    """The name of a contender in the table."""
    return f"{SPEC}, {acceleration}"


def with_rate(entry: Entry, n: int) -> Entry:
    """The entry with its passes per second, including those of verification."""
    assert entry.forwards is not None
    assert entry.backwards is not None
    assert entry.seconds is not None
    return entry.model_copy(update={"passes_per_second": n * (entry.forwards + entry.backwards) / entry.seconds})
