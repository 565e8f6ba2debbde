"""The simulation gap: photographed success minus the success predicted by rendering, overall and by distance and angle."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict

from robustkit.benchmarks.statistics import Difference, Estimate, difference, estimate
from robustkit.benchmarks.sticker.scoring import ByRule, CellScore, Score, Success


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gap(_Part):
    """The sticker's success in counted renderings and in counted photos, and photographed minus predicted."""

    predicted: Estimate
    photographed: Estimate
    difference: Difference


class CellGap(Gap):
    """The gap at one distance and angle, of which renderings or photos may be missing."""

    distance_cm: float | None
    angle_deg: float | None


class RuleGap(_Part):
    """The gap by one rule.

    Parameters
    ----------
    overall
        Over the cells with both. The predictions are weighted as the photos are spread over the cells.
    cells
        The gap in every cell of either; cells are the same if they are to the centimetre and degree, as names of photos give them.
    """

    overall: Gap
    cells: list[CellGap]


class SimulationGap(_Part):
    """The gap of untargeted success, and of targeted success if both scores have it."""

    untargeted: RuleGap
    targeted: RuleGap | None


def simulation_gap(predicted: Score, photographed: Score) -> SimulationGap:
    """The gap between the score of renderings and that of photos, which are independent samples."""
    both = predicted.targeted is not None and photographed.targeted is not None
    return SimulationGap(
        untargeted=_rule_gap(predicted, photographed, lambda part: part.untargeted),
        targeted=_rule_gap(predicted, photographed, lambda part: part.targeted) if both else None,
    )


def _rule_gap(predicted: Score, photographed: Score, rule: Callable[[ByRule], Success | None]) -> RuleGap:
    expected, seen = _by_cell(predicted.cells, rule), _by_cell(photographed.cells, rule)
    nothing = estimate(0, 0)
    cells = [
        CellGap(distance_cm=distance, angle_deg=angle, **vars(_gap(expected.get(cell, nothing), seen.get(cell, nothing))))
        for cell in [*seen, *(cell for cell in expected if cell not in seen)]
        for distance, angle in [cell]
    ]
    shared = [(cell.predicted, cell.photographed) for cell in cells if cell.predicted.n and cell.photographed.n]
    return RuleGap(overall=_gap(_spread_alike(shared), _pooled(photo for _, photo in shared)), cells=cells)


def _by_cell(
    cells: Iterable[CellScore], rule: Callable[[ByRule], Success | None]
) -> dict[tuple[int | None, int | None], Estimate]:
    found = {(_rounded(cell.distance_cm), _rounded(cell.angle_deg)): rule(cell) for cell in cells}
    return {cell: success.sticker for cell, success in found.items() if success}


def _rounded(value: float | None) -> int | None:
    return None if value is None else round(value)


def _gap(predicted: Estimate, photographed: Estimate) -> Gap:
    return Gap(predicted=predicted, photographed=photographed, difference=difference(photographed, predicted))


def _pooled(shares: Iterable[Estimate]) -> Estimate:
    counts = [(round(share.value * share.n), share.n) for share in shares]
    return estimate(sum(k for k, _ in counts), sum(n for _, n in counts))


def _spread_alike(shared: list[tuple[Estimate, Estimate]]) -> Estimate:
    """The predicted share, weighted as the photos are, with its effective sample size (Kish 1965, Survey Sampling)."""
    photos = sum(photo.n for _, photo in shared)
    if not photos:
        return estimate(0, 0)
    weights = [(photo.n / photos, predicted) for predicted, photo in shared]
    size = max(1, int(1 / sum(weight**2 / predicted.n for weight, predicted in weights) + 1e-6))  # rounding must not lose one
    return estimate(size * sum(weight * predicted.value for weight, predicted in weights), size)
