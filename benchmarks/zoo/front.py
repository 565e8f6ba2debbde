"""The trade-off between what stages find and what they cost, as a greedy walk over the measured candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustkit.benchmarks.zoo.measure import Found

#: Shares of the clean margin below which a stage may be restricted to a sample.
WITHIN = (None, 0.9, 0.6, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05)


@dataclass
class Standing:
    """The samples of a network during a walk: which survive, the least share of their clean margin, and the passes so far."""

    alive: NDArray[np.bool_]
    left: NDArray[np.float64]
    passes: float = 0.0

    @classmethod
    def of(cls, found: Found) -> Standing:
        """The standing before the first stage."""
        n = next(iter(found.values())).shape[1]
        return cls(np.ones(n, dtype=bool), np.ones(n))

    def after(self, measured: NDArray[np.float64], within: float | None) -> tuple[Standing, int]:
        """The standing after an attack on the survivors within a share of their margin, and its successes."""
        success, left, passes = measured
        due = self.alive if within is None else self.alive & (self.left <= within)
        hits = due & (success > 0)
        spent = self.passes + float(passes[due].sum()) / len(passes)
        return Standing(self.alive & ~hits, np.where(due, np.minimum(self.left, left), self.left), spent), int(hits.sum())


@dataclass(frozen=True)
class Step:
    """A stage of a walk: its successes on the survivors of the previous ones, and its passes per image over all networks."""

    spec: str
    within: float | None
    successes: int
    passes: float


def walk(networks: Mapping[str, Found], stages: int) -> list[Step]:
    """The stages chosen one after another for the most new successes per pass, over several networks.

    The first stage attacks all samples. The walk ends after `stages` or when no stage finds anything new.
    """
    standing = {name: Standing.of(found) for name, found in networks.items()}
    common = set.intersection(*(set(found) for found in networks.values()))
    specs = [spec for spec in next(iter(networks.values())) if spec in common]
    steps: list[Step] = []
    while len(steps) < stages:
        best: tuple[float, Step, dict[str, Standing]] | None = None
        for spec in specs:
            for within in WITHIN if steps else (None,):
                tried = {name: standing[name].after(found[spec], within) for name, found in networks.items()}
                hits = sum(found for _, found in tried.values())
                cost = sum(after.passes - standing[name].passes for name, (after, _) in tried.items())
                if hits and (best is None or hits / cost > best[0]):
                    step = Step(spec, within, hits, cost / len(networks))
                    best = hits / cost, step, {name: after for name, (after, _) in tried.items()}
        if best is None:
            break
        steps.append(best[1])
        standing = best[2]
    return steps


def table(networks: Mapping[str, Found], stages: int) -> str:
    """Markdown: every candidate alone, with the successes that only it found, and the walk."""
    lines = ["| candidate | successes | only it | passes per image |", "| --- | --- | --- | --- |"]
    for spec in dict.fromkeys(spec for found in networks.values() for spec in found):
        hits, alone, passes = 0, 0, []
        for found in networks.values():
            if spec not in found:
                continue
            others = [measured[0] > 0 for name, measured in found.items() if name != spec]
            mine = found[spec][0] > 0
            hits += int(mine.sum())
            alone += int((mine & ~np.any(others, axis=0)).sum()) if others else int(mine.sum())
            passes.append(float(found[spec][2].mean()))
        lines.append(f"| `{spec}` | {hits} | {alone} | {np.mean(passes):.0f} |")
    lines += ["", "| next stage | within | new successes | passes per image |", "| --- | --- | --- | --- |"]
    for step in walk(networks, stages):
        lines.append(f"| `{step.spec}` | {'' if step.within is None else step.within} | {step.successes} | {step.passes:.1f} |")
    return "\n".join(lines)
