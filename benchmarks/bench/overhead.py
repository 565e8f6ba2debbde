"""Overhead of the engine: fixed-step attacks compared with bare loops of the same number of passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from robustkit import build
from robustkit.benchmarks.bench import raw
from robustkit.benchmarks.bench.contender import counted
from robustkit.benchmarks.bench.network import Noise
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.benchmarks.bench.timing import Rounds, interleaved
from robustkit.contracts.model import Model
from robustkit.threats import Threat

LIMIT, SQUARE_LIMIT = 1.05, 1.15


@dataclass(frozen=True)
class Loop:
    """A bare loop of passes, as a function of model, images and labels."""

    name: str
    run: Callable[[Model, Tensor, Tensor], Tensor]
    forwards: int
    backwards: int


def overhead(ground: Noise, rounds: Rounds, *, steps: int = 20) -> Bench:
    """Fixed-step PGD on ResNet-18 at 64 px, batch 64, relative to a bare loop of the same number of passes.

    Two of the attack's forward passes take no gradient: the clean pass and the verification. The table also shows the loop
    without them.
    """

    def loop(model: Model, x: Tensor, y: Tensor) -> Tensor:
        raw.forwards(model, x, 2)
        return raw.gradients(model, x, y, steps)

    loops = [
        Loop(f"bare loop of {steps} input gradients and 2 forward passes", loop, steps + 2, steps),
        Loop(f"bare loop of {steps} input gradients", partial(raw.gradients, passes=steps), steps, steps),
    ]
    return _beside_loops("overhead", f"pgd:steps={steps},early_exit=false", loops, LIMIT, ground, rounds)


def square(ground: Noise, rounds: Rounds, *, steps: int = 100) -> Bench:
    """Fixed-step Square on the same network, relative to a bare loop of its forward passes (steps, clean pass, verification)."""
    passes = steps + 2
    loop = Loop(f"bare loop of {passes} forward passes", lambda model, x, y: raw.forwards(model, x, passes), passes, 0)
    return _beside_loops("square", f"square:steps={steps},early_exit=false", [loop], SQUARE_LIMIT, ground, rounds)


def _beside_loops(case: str, spec: str, loops: Sequence[Loop], limit: float, ground: Noise, rounds: Rounds) -> Bench:
    """Time an attack and bare loops; the bar compares it with the first loop."""
    subject, x, batch = ground.model, ground.x, len(ground.x)
    # The network's predictions are the labels, so that every image is attacked.
    y = subject.logits(x).argmax(1)
    threat, attack = Threat.parse("linf:8/255"), build.attack(spec)
    runs = {
        spec: partial(counted, subject, lambda: attack(subject, x, y, threat, seed=ground.seed).x_adv),
        **{loop.name: partial(counted, subject, partial(loop.run, subject, x, y)) for loop in loops},
    }
    timed = interleaved(runs, subject.device, rounds)
    ours, bare = timed[spec], timed[loops[0].name]
    _, forwards, backwards = ours.result
    rows = [(spec, forwards / batch, backwards / batch, ours)]
    rows += [(loop.name, loop.forwards, loop.backwards, timed[loop.name]) for loop in loops]
    entries = [
        Entry(
            name=name,
            kind="case",
            forwards=forwards,
            backwards=backwards,
            seconds=times.median,
            ratio_to_raw=times.median / bare.median,
            runs=times.seconds,
        )
        for name, forwards, backwards, times in rows
    ]
    return Bench(
        case=case,
        model=subject.name,
        data="noise",
        n=batch,
        threat=threat.id,
        seed=ground.seed,
        repeats=rounds.repeats,
        entries=entries,
        bars=[Bar.of_times(f"times the {loops[0].name}", ours.seconds, bare.seconds, limit, "at most")],
        environment=environment(subject.device),
    )
