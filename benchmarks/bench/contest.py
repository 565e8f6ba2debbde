"""Attacks, suites and peers compared on one model: robust accuracy and cost of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from robustkit.benchmarks.bench import raw
from robustkit.benchmarks.bench.contender import Contender, Ground, images_and_labels
from robustkit.benchmarks.bench.lineup import line_up
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, SkippedPeer, environment
from robustkit.benchmarks.bench.scoring import score
from robustkit.benchmarks.bench.timing import Rounds, interleaved
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.errors import NothingEvaluatedError
from robustkit.threats import Threat

ATTACKS = ("pgd:steps=40", "apgd-ce", "fgsm", "noise")
GRADIENTS, FORWARDS = "bare loop of gradients", "bare loop of forward passes"
RAW_PASSES = 10
PGD_40 = "pgd:steps=40"
FASTER = 5.0


def contest(
    model: Model,
    data: Data,
    threat: Threat,
    rounds: Rounds,
    *,
    attacks: Sequence[str] = ATTACKS,
    peers: bool = True,
    autoattack: Path | None = None,
    adversarial_library: Path | None = None,
    seed: int = 0,
) -> Bench:
    """Run attacks, suites, their peers and the bare loops interleaved, and verify all results in the same way.

    Parameters
    ----------
    attacks
        Specs such as ``pgd:steps=40``, and suites such as ``suite:standard``.
    peers
        Whether other libraries run the same attacks for comparison.
    autoattack, adversarial_library
        Folders of checkouts, see `line_up`.

    Raises
    ------
    UsageError
        If an attack is unknown or does not support the threat, or a folder is not such a checkout.
    NothingEvaluatedError
        If there are no images.
    """
    ground = ground_of(model, data, threat, seed)
    contenders, skipped = line_up(ground, attacks, peers=peers, autoattack=autoattack, adversarial_library=adversarial_library)
    return compete(ground, contenders, skipped, rounds)


def ground_of(model: Model, data: Data, threat: Threat, seed: int) -> Ground:
    """The common setting of the contenders, checked.

    Raises
    ------
    UsageError
        If images or labels are invalid.
    NothingEvaluatedError
        If there are no images.
    """
    if not len(data):
        raise NothingEvaluatedError(f"data {data.name!r} has no images: a bench needs at least one")
    x, y = images_and_labels(data, model)
    model.check_images(x, y, model.num_classes(x[:1]))
    return Ground(model, data, x, y, threat, seed)


def compete(ground: Ground, contenders: Sequence[Contender], skipped: Sequence[SkippedPeer], rounds: Rounds) -> Bench:
    """Run contenders and the bare loops interleaved, and verify the answers."""
    model, x, y = ground.model, ground.x, ground.y
    loops = {GRADIENTS: partial(raw.gradients, model, x, y, RAW_PASSES), FORWARDS: partial(raw.forwards, model, x, RAW_PASSES)}
    runs: dict[str, Callable[[], Any]] = {**{each.key: each.run for each in contenders}, **loops}
    timed = interleaved(runs, model.device, rounds)
    gradient, forward = (timed.pop(name).median / RAW_PASSES for name in loops)
    correct = model.logits(x).argmax(1) == y
    entries, failed = score(contenders, timed, correct, forward, gradient)
    return Bench(
        case="attacks",
        model=model.name,
        data=ground.data.name,
        n=len(x),
        threat=ground.threat.id,
        clean_accuracy=float(correct.double().mean()),
        seed=ground.seed,
        repeats=rounds.repeats,
        entries=entries,
        raw_seconds={"forward": forward, "forward and backward": gradient},
        skipped=[*skipped, *failed],
        environment=environment(model.device),
    )


def pgd_contest(model: Model, data: Data, threat: Threat, rounds: Rounds, *, seed: int = 0) -> Bench:
    """Compare PGD-40 with early exit with the peers' PGD-40 at equal step size: faster than each, as strong as the strongest."""
    bench = contest(model, data, threat, rounds, attacks=[PGD_40], seed=seed)
    return bench.model_copy(update={"case": "pgd", "bars": against_peers(bench.entries)})


def against_peers(entries: Sequence[Entry]) -> list[Bar]:
    """The bars that compare the one attack among the entries with its peers; empty if no peer is installed."""
    (ours,) = (entry for entry in entries if entry.kind == "attack")
    peers = [entry for entry in entries if entry.kind == "peer"]
    bars = [Bar.of_times(f"times faster than {peer.label}", peer.runs, ours.runs, FASTER, "at least") for peer in peers]
    lowest = min((peer.robust_accuracy for peer in peers if peer.robust_accuracy is not None), default=None)
    if lowest is not None and ours.robust_accuracy is not None:
        bars.append(Bar(name="robust accuracy, the peers' lowest", value=ours.robust_accuracy, limit=lowest, sense="at most"))
    return bars
