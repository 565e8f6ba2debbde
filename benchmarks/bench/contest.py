"""Attacks and peers side by side on one model: what each of them leaves standing, and what that cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from robustkit import build
from robustkit.benchmarks.bench import raw
from robustkit.benchmarks.bench.peers import PEERS, prepare_peer, same_descent
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, SkippedPeer, environment
from robustkit.benchmarks.bench.timing import Clock, in_turns
from robustkit.contract import Attack, check_threat, is_adversarial
from robustkit.data.base import Data
from robustkit.errors import NothingEvaluatedError, UsageError
from robustkit.model import Model
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
    *,
    attacks: Sequence[str] = ATTACKS,
    peers: bool = True,
    repeats: int = 3,
    seed: int = 0,
    clock: Clock = time.perf_counter,
    note: Callable[[str], None] = lambda sentence: None,
) -> Bench:
    """Run attacks, the peers that have them, and the bare loops in turns, and judge all results alike.

    Parameters
    ----------
    attacks
        Specs such as ``pgd:steps=40``.
    peers
        Whether installed peers run the same descent beside an attack that is one.
    repeats
        Runs of each, of which the median counts.
    clock, note
        As for `in_turns`.

    Raises
    ------
    UsageError
        If an attack is unknown or does not answer the threat.
    NothingEvaluatedError
        If there are no images.
    """
    if repeats < 1:
        raise UsageError(f"repeats={repeats} must be at least 1")
    if not len(data):
        raise NothingEvaluatedError(f"data {data.name!r} holds no images: there is nothing to bench on")
    built = {spec: build.attack(spec) for spec in dict.fromkeys(attacks)}
    for attack in built.values():
        check_threat(attack, threat)
    x, y = images_and_labels(data, model)
    model.check_images(x, y, model.num_classes((x.shape[2], x.shape[3])))
    rivals, skipped = line_up(built, model, x, threat) if peers else ({}, [])
    runs: dict[str, Callable[[], Tensor]] = {}
    for spec, attack in built.items():
        runs[spec] = partial(_images, attack, model, x, y, threat, seed)
        runs |= {name: partial(run, x, y) for name, run in rivals.get(spec, {}).items()}
    runs[GRADIENTS] = partial(raw.gradients, model, x, y, RAW_PASSES)
    runs[FORWARDS] = partial(raw.forwards, model, x, RAW_PASSES)
    timed = in_turns({name: partial(counted, model, run) for name, run in runs.items()}, repeats, model.device, clock, note)
    gradient, forward = (timed.pop(name).median / RAW_PASSES for name in (GRADIENTS, FORWARDS))
    entries = []
    for name, times in timed.items():
        x_adv, forwards, backwards = times.result
        bare = backwards / len(x) * gradient + (forwards - backwards) / len(x) * forward
        entries.append(
            Entry(
                name=name,
                kind="attack" if name in built else "peer",
                robust_accuracy=robust_accuracy(model, x, x_adv, y, threat),
                forwards=forwards / len(x),
                backwards=backwards / len(x),
                seconds=times.median,
                ratio_to_raw=times.median / bare,
                cost=times.median / gradient,
                runs=times.seconds,
            )
        )
    return Bench(
        case="attacks",
        model=model.name,
        data=data.name,
        n=len(x),
        threat=threat.id,
        clean_accuracy=float((model.logits(x).argmax(1) == y).double().mean()),
        seed=seed,
        repeats=repeats,
        entries=entries,
        raw_seconds={"forward": forward, "forward and backward": gradient},
        skipped=skipped,
        environment=environment(model.device),
    )


def line_up(
    attacks: dict[str, Attack], model: Model, x: Tensor, threat: Threat
) -> tuple[dict[str, dict[str, Callable[[Tensor, Tensor], Tensor]]], list[SkippedPeer]]:
    """The peers' runs of each attack that they have, by attack and name, and the peers that are missing."""
    rivals: dict[str, dict[str, Callable[[Tensor, Tensor], Tensor]]] = {}
    skipped = []
    for spec, attack in attacks.items():
        descent = same_descent(attack, threat)
        for peer in PEERS if descent is not None else ():
            assert descent is not None
            run = prepare_peer(peer, model, descent, tuple(x.shape[1:]))
            if isinstance(run, str):
                skipped.append(SkippedPeer(name=f"{peer} {spec}", reason=run))
            else:
                rivals.setdefault(spec, {})[f"{peer} {spec}"] = run
    return rivals, skipped


def images_and_labels(data: Data, model: Model) -> tuple[Tensor, Tensor]:
    """All images ``(N, C, H, W)`` and the model's labels ``(N,)``, on its device."""
    parts = list(data.matched(model).batches(model.spec, 256))
    return torch.cat([part.x for part in parts]).to(model.device), torch.cat([part.y for part in parts]).to(model.device)


def counted(model: Model, run: Callable[[], Tensor]) -> tuple[Tensor, int, int]:
    """What a run returns, and the forward and backward passes it cost all images together."""
    forwards, backwards = model.forwards, model.backwards
    returned = run()
    return returned, model.forwards - forwards, model.backwards - backwards


def robust_accuracy(model: Model, x: Tensor, x_adv: Tensor, y: Tensor, threat: Threat) -> float:
    """The share of images that are classified rightly and still are after the attack, if that stayed inside the threat."""
    right = model.logits(x).argmax(1) == y
    beaten = is_adversarial(model.logits(x_adv), y, None) & threat.contains(x, x_adv, model.bounds)
    return float((right & ~beaten).double().mean())


def pgd_contest(
    model: Model, data: Data, threat: Threat, *, repeats: int = 3, seed: int = 0, note: Callable[[str], None]
) -> Bench:
    """PGD-40 with early exit against the peers' PGD-40 at equal step size: much faster than each, as strong as the strongest."""
    bench = contest(model, data, threat, attacks=[PGD_40], repeats=repeats, seed=seed, note=note)
    return bench.model_copy(update={"case": "pgd", "bars": against_peers(bench.entries)})


def against_peers(entries: Sequence[Entry]) -> list[Bar]:
    """The bars of the one attack among the entries against the peers that ran it; none where no peer is installed."""
    (ours,) = (entry for entry in entries if entry.kind == "attack")
    peers = [entry for entry in entries if entry.kind == "peer"]
    bars = [Bar.of_times(f"times faster than {peer.name}", peer.runs, ours.runs, FASTER, "at least") for peer in peers]
    lowest = min((peer.robust_accuracy for peer in peers if peer.robust_accuracy is not None), default=None)
    if lowest is not None and ours.robust_accuracy is not None:
        bars.append(Bar(name="robust accuracy, the peers' lowest", value=ours.robust_accuracy, limit=lowest, sense="at most"))
    return bars


def _images(attack: Attack, model: Model, x: Tensor, y: Tensor, threat: Threat, seed: int) -> Tensor:
    return attack(model, x, y, threat, seed=seed).x_adv
