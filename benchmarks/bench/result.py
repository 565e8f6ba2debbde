"""The schema of bench.json."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

Sense = Literal["at most", "at least"]


class Part(BaseModel):
    """A part of the result; unknown keys are an error, and infinities are allowed."""

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="strings")


class Entry(Part):
    """One contender.

    Parameters
    ----------
    name
        The attack, suite or peer as given, or a description of the measured operation.
    kind
        ``attack``, ``protocol`` for a suite, ``peer``, or ``case`` for an operation that only a case with a bar measures.
    against
        The attack or suite that a peer is compared with.
    robust_accuracy
        Share of all images correctly classified after the attack, by one fresh pass on images inside the threat.
    distance
        For attacks that search for the nearest adversarial images: the median distance over the correctly classified images, in
        the threat's unit; infinite if none was found for half of them or more.
    optimality
        For the same attacks: AttackBench's score, 1 for the smallest distances that any contender found.
    forwards, backwards
        Mean passes per sample.
    seconds
        The median of `runs`.
    ratio_to_raw
        `seconds` divided by that of a bare loop with the same number of passes.
    ratio_to_ours
        A peer's `seconds` divided by that of the attack or suite it is compared with.
    cost
        `seconds` divided by that of one bare forward and backward pass of every image.
    passes_per_second
        Forward and backward passes per second, each of one image.
    peak_mib
        Peak memory of the process.
    """

    name: str
    kind: Literal["attack", "protocol", "peer", "case"]
    against: str | None = None
    robust_accuracy: float | None = None
    distance: float | None = None
    optimality: float | None = None
    forwards: float | None = None
    backwards: float | None = None
    seconds: float | None = None
    ratio_to_raw: float | None = None
    ratio_to_ours: float | None = None
    cost: float | None = None
    passes_per_second: float | None = None
    peak_mib: float | None = None
    runs: list[float] = []

    @property
    def label(self) -> str:
        """Its name in tables and plots; peers omit parameters, which follow from the attack they are compared with."""
        return self.name.partition(":")[0] if self.against else self.name


class Bar(Part):
    """A measured value with its required limit.

    Parameters
    ----------
    value
        The value; a ratio of times is the ratio of the medians.
    rounds
        The ratio in each round; their spread shows how reliable the value is.
    """

    name: str
    value: float
    limit: float
    sense: Sense
    rounds: list[float] = []

    @classmethod
    def of_times(cls, name: str, above: list[float], below: list[float], limit: float, sense: Sense) -> Bar:
        """The bar on the ratio of two contenders' times."""
        rounds = [a / b for a, b in zip(above, below, strict=True)]
        return cls(name=name, value=median(above) / median(below), limit=limit, sense=sense, rounds=rounds)

    @property
    def met(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit if self.sense == "at most" else self.value >= self.limit


class SkippedPeer(Part):
    """A peer that was skipped, and the reason."""

    name: str
    reason: str


class Environment(Part):
    """The software and hardware of the measurement."""

    python: str
    versions: dict[str, str]
    device: str
    hardware: str
    cpus: int
    threads: int


class Bench(Part):
    """The result of one case."""

    schema_version: Literal[1] = 1
    case: str
    model: str
    data: str
    n: int
    threat: str | None = None
    clean_accuracy: float | None = None
    seed: int = 0
    repeats: int
    entries: list[Entry]
    raw_seconds: dict[str, float] = {}  #: one pass of all images in a bare loop
    bars: list[Bar] = []
    skipped: list[SkippedPeer] = []
    environment: Environment


def environment(device: torch.device) -> Environment:
    """The environment of this process."""
    versions = {}
    for name in ("robustkit", "torch", "torchvision", "numpy", "adversarial-robustness-toolbox", "foolbox", "torchattacks"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return Environment(
        python=platform.python_version(),
        versions=versions,
        device=str(device),
        hardware=torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine(),
        cpus=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
    )
