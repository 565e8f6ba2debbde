"""AttackBench's optimality: how close an attack comes to the nearest images that anything found (arXiv 2404.19460)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from robustkit.benchmarks.running.records import Column


def optimality(distances: Mapping[str, Column], right: Column) -> dict[str, float]:
    """One minus the area between a contender's curve of robust accuracy against eps and the best one, over the most it can be.

    The best curve takes, for every sample, the smallest distance that any contender found, and the curves end at the greatest
    of these. The curves are steps, so their areas are means of distances.

    Parameters
    ----------
    distances
        Of each contender, ``(N,)``: to the nearest adversarial image of every sample, infinite where it found none.
    right
        Bool ``(N,)``: whether the clean image is classified correctly. Where it is not, every distance counts as 0.

    Returns
    -------
    dict
        From 0, nothing found, to 1, the best everywhere; no entry if no attack found anything.
    """
    if not distances or not len(right):
        return {}
    reached = {name: np.where(right, distance, 0.0).astype(np.float64) for name, distance in distances.items()}
    best = np.min(np.stack(list(reached.values())), axis=0)
    known = best[np.isfinite(best)]
    end = float(known.max()) if len(known) else 0.0
    if end == 0:
        return {}

    def area(distance: Column) -> float:
        return float(np.minimum(distance, end).mean())

    least = area(best)
    most = float(np.mean(right)) * end
    if most - least <= 1e-12 * most:  # every sample is as far as the curves reach: no attack can do better or worse
        return dict.fromkeys(reached, 1.0)
    return {name: 1 - (area(distance) - least) / (most - least) for name, distance in reached.items()}
