"""What the engine adds to the passes themselves: PGD-20 with fixed steps against a bare loop of 20 input gradients."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from robustkit import build
from robustkit.benchmarks.bench import raw
from robustkit.benchmarks.bench.contest import counted
from robustkit.benchmarks.bench.network import BATCH, random_batch, resnet
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.benchmarks.bench.timing import Clock, in_turns
from robustkit.model import Model
from robustkit.threats import Threat

LIMIT = 1.05


def overhead(
    *,
    model: Model | None = None,
    steps: int = 20,
    batch: int = BATCH,
    repeats: int = 3,
    seed: int = 0,
    device: str = "auto",
    clock: Clock = time.perf_counter,
    note: Callable[[str], None] = lambda sentence: None,
) -> Bench:
    """Fixed-step PGD on ResNet-18 at 64 px, batch 64, over a bare loop that takes `steps` input gradients.

    The attack also judges the clean images and verifies what it found: two forward passes that the bare loop does without.
    """
    subject = model or resnet(device, seed)
    x, y, _ = random_batch(subject.device, seed, batch)
    # The labels are what the network says, or there would be nothing to attack.
    y = subject.logits(x).argmax(1)
    threat = Threat.parse("linf:8/255")
    attack = build.attack("pgd", steps=steps, early_exit=False)
    name, loop = f"pgd:steps={steps},early_exit=false", f"bare loop of {steps} input gradients"
    runs = {
        name: partial(counted, subject, lambda: attack(subject, x, y, threat, seed=seed).x_adv),
        loop: partial(counted, subject, lambda: raw.gradients(subject, x, y, steps)),
    }
    timed = in_turns(runs, repeats, subject.device, clock, note)
    ratio = timed[name].median / timed[loop].median
    _, forwards, backwards = timed[name].result
    return Bench(
        case="overhead",
        model=subject.name,
        data="noise",
        n=batch,
        threat=threat.id,
        seed=seed,
        repeats=repeats,
        entries=[
            Entry(
                name=name,
                kind="case",
                forwards=forwards / batch,
                backwards=backwards / batch,
                seconds=timed[name].median,
                ratio_to_raw=ratio,
                runs=timed[name].seconds,
            ),
            Entry(
                name=loop,
                kind="case",
                forwards=steps,
                backwards=steps,
                seconds=timed[loop].median,
                ratio_to_raw=1,
                runs=timed[loop].seconds,
            ),
        ],
        bars=[Bar.of_times(f"times the {loop}", timed[name].seconds, timed[loop].seconds, LIMIT, "at most")],
        environment=environment(subject.device),
    )
