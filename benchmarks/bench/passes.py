"""Cost per pass of an attack on a small network, where the engine's overhead is largest."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from robustkit import build
from robustkit.benchmarks.bench import raw
from robustkit.benchmarks.bench.contender import counted
from robustkit.benchmarks.bench.contest import ground_of
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.benchmarks.bench.timing import Rounds, interleaved
from robustkit.contracts.attack import Attack
from robustkit.contracts.model import Model
from robustkit.data.base import Data
from robustkit.threats import Threat

LIMIT = 1.25
ATTACKS = ("pgd", "apgd-ce", "fmn")


def passes(model: Model, data: Data, threat: Threat, rounds: Rounds, *, steps: int = 40, seed: int = 0) -> Bench:
    """Time per pass of fixed-step attacks relative to that of a bare loop of `steps` input gradients.

    The model's predictions are the labels, so that every image is attacked.
    """
    ground = ground_of(model, data, threat, seed)
    x, y = ground.x, model.logits(ground.x).argmax(1)
    loop = f"bare loop of {steps} input gradients"
    runs = {loop: partial(counted, model, lambda: raw.gradients(model, x, y, steps))}
    for name in ATTACKS:
        spec = f"{name}:steps={steps},early_exit=false"
        runs[spec] = partial(counted, model, partial(images_of, build.attack(spec), model, x, y, threat, seed))
    timed = interleaved(runs, model.device, rounds)
    made = {name: (steps, steps) if name == loop else counts(times.result, len(x)) for name, times in timed.items()}
    each = {name: [seconds / sum(made[name]) for seconds in times.seconds] for name, times in timed.items()}
    entries = [
        Entry(
            name=name,
            kind="case",
            forwards=made[name][0],
            backwards=made[name][1],
            seconds=times.median,
            ratio_to_raw=times.median / sum(made[name]) / (timed[loop].median / sum(made[loop])),
            runs=times.seconds,
        )
        for name, times in timed.items()
    ]
    bars = [
        Bar.of_times(f"time per pass, {name} / bare loop", each[name], each[loop], LIMIT, "at most")
        for name in runs
        if name != loop
    ]
    return Bench(
        case="passes",
        model=model.name,
        data=data.name,
        n=len(x),
        threat=threat.id,
        seed=seed,
        repeats=rounds.repeats,
        entries=entries,
        bars=bars,
        environment=environment(model.device),
    )


def images_of(attack: Attack, model: Model, x: Tensor, y: Tensor, threat: Threat, seed: int) -> Tensor:
    """The images that an attack returns, ``(N, C, H, W)``."""
    return attack(model, x, y, threat, seed=seed).x_adv


def counts(result: tuple[Tensor, int, int], images: int) -> tuple[float, float]:
    """Forward and backward passes per image."""
    return result[1] / images, result[2] / images
