"""What adversarial training adds to the passes themselves: a step of the pgd recipe against bare training passes."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from robustkit import build
from robustkit.benchmarks.bench.network import BATCH, CLASSES, random_batch, resnet
from robustkit.benchmarks.bench.result import Bar, Bench, Entry, environment
from robustkit.benchmarks.bench.timing import Clock, in_turns
from robustkit.defense import TrainingBatch
from robustkit.model import Model, own_random_state
from robustkit.threats import Threat

LIMIT = 1.1


def training(
    *,
    model: Model | None = None,
    steps: int = 7,
    batch: int = BATCH,
    repeats: int = 3,
    seed: int = 0,
    device: str = "auto",
    clock: Clock = time.perf_counter,
    note: Callable[[str], None] = lambda sentence: None,
) -> Bench:
    """One step of recipe pgd, optimizer included, over `steps` + 1 bare forward and backward passes with weight gradients."""
    subject = model or resnet(device, seed)
    x, y, ids = random_batch(subject.device, seed, batch)
    threat = Threat.parse("linf:8/255")
    recipe = build.recipe("pgd", steps=steps)
    optimizer = torch.optim.SGD(subject.net.parameters(), lr=0.0)

    def forward(images: Tensor) -> Tensor:
        subject.net.train()
        return subject.net(subject.preprocess(images))  # type: ignore[no-any-return]

    def step() -> None:
        optimizer.zero_grad()
        with own_random_state(subject.device, seed):
            loss = recipe.loss(
                TrainingBatch(
                    x=x,
                    y=y,
                    sample_ids=ids,
                    forward=forward,
                    model=subject,
                    threat=threat,
                    num_classes=CLASSES,
                    seed=seed,
                )
            )
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def passes() -> None:
        for _ in range(steps + 1):
            optimizer.zero_grad()
            functional.cross_entropy(forward(x), y).backward()  # type: ignore[no-untyped-call]

    name, loop = f"a training step, recipe pgd:steps={steps}", f"{steps + 1} bare forward and backward passes"
    timed = in_turns({name: step, loop: passes}, repeats, subject.device, clock, note)
    return Bench(
        case="training",
        model=subject.name,
        data="noise",
        n=batch,
        threat=threat.id,
        seed=seed,
        repeats=repeats,
        entries=[
            Entry(
                name=key, kind="case", seconds=times.median, ratio_to_raw=times.median / timed[loop].median, runs=times.seconds
            )
            for key, times in timed.items()
        ],
        bars=[Bar.of_times(f"times {loop}", timed[name].seconds, timed[loop].seconds, LIMIT, "at most")],
        environment=environment(subject.device),
    )
