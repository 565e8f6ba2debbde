"""Overhead of adversarial training: a step of the pgd recipe compared with bare training passes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from robustkit import build
from robustkit.benchmarks.bench.network import CLASSES, Noise
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.benchmarks.bench.timing import Rounds, interleaved
from robustkit.contracts.recipe import TrainingBatch
from robustkit.global_state import own_random_state
from robustkit.threats import Threat

LIMIT = 1.1


def training(ground: Noise, rounds: Rounds, *, steps: int = 7) -> Bench:
    """One step of recipe pgd with its optimizer step, relative to `steps` + 1 bare passes with weight gradients."""
    subject, x, y = ground.model, ground.x, ground.y
    threat = Threat.parse("linf:8/255")
    recipe = build.recipe("pgd", steps=steps)
    optimizer = torch.optim.SGD(subject.net.parameters(), lr=0.0)

    def forward(images: Tensor) -> Tensor:
        subject.net.train()
        return subject.net(subject.preprocess(images))  # type: ignore[no-any-return]

    def step() -> None:
        optimizer.zero_grad()
        with own_random_state(subject.device, ground.seed):
            loss = recipe.loss(
                TrainingBatch(
                    x=x,
                    y=y,
                    sample_ids=ground.ids,
                    forward=forward,
                    model=subject,
                    threat=threat,
                    num_classes=CLASSES,
                    seed=ground.seed,
                )
            )
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def passes() -> None:
        for _ in range(steps + 1):
            optimizer.zero_grad()
            functional.cross_entropy(forward(x), y).backward()  # type: ignore[no-untyped-call]

    name, loop = f"a training step, recipe pgd:steps={steps}", f"{steps + 1} bare forward and backward passes"
    timed = interleaved({name: step, loop: passes}, subject.device, rounds)
    return Bench(
        case="training",
        model=subject.name,
        data="noise",
        n=len(x),
        threat=threat.id,
        seed=ground.seed,
        repeats=rounds.repeats,
        entries=[
            Entry(
                name=key, kind="case", seconds=times.median, ratio_to_raw=times.median / timed[loop].median, runs=times.seconds
            )
            for key, times in timed.items()
        ],
        bars=[Bar.of_times(f"times {loop}", timed[name].seconds, timed[loop].seconds, LIMIT, "at most")],
        environment=environment(subject.device),
    )
