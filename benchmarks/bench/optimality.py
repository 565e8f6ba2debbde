"""AttackBench's optimality: how close an attack's distances are to the smallest ones known (arXiv 2404.19460)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from robustkit.benchmarks.running.records import Column


def optimality(distances: Mapping[str, Column], correct: Column) -> dict[str, float]:
    """One minus the normalised area between each contender's curve of robust accuracy vs. eps and the best curve.

    The best curve uses the smallest distance that any contender found for each sample; all curves end at the largest of these
    distances. The curves are step functions, so their areas are means of distances.

    Parameters
    ----------
    distances
        For each contender ``(N,)``: the distance to the nearest adversarial image of every sample, infinite if none was found.
    correct
        Bool ``(N,)``: whether the clean image is correctly classified; if not, every distance counts as 0.

    Returns
    -------
    dict
        From 0 (nothing found) to 1 (the best for every sample); empty if no attack found anything.
    """
    if not distances or not len(correct):
        return {}
    reached = {name: np.where(correct, distance, 0.0).astype(np.float64) for name, distance in distances.items()}
    best = np.min(np.stack(list(reached.values())), axis=0)
    known = best[np.isfinite(best)]
    end = float(known.max()) if len(known) else 0.0
    if end == 0:
        return {}

    def area(distance: Column) -> float:
        return float(np.minimum(distance, end).mean())

    least = area(best)
    most = float(np.mean(correct)) * end
    if most - least <= 1e-12 * most:  # all finite distances equal the end of the curves: every attack is optimal
        return dict.fromkeys(reached, 1.0)
    return {name: 1 - (area(distance) - least) / (most - least) for name, distance in reached.items()}
