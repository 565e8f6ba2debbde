"""Success beyond the best control under a patch: what optimising the sticker adds to covering the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robustkit.benchmarks.planning.manifest import PlannedCell
from robustkit.benchmarks.running.due import attacked_ids
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.statistics import Difference, Estimate, estimate, mcnemar, paired_difference
from robustkit.benchmarks.summary import BeyondPart, Flag

#: The control whose successes count, and the level of the exact test.
CONTROL = "patch-control"
SIGNIFICANCE = 0.05


class Pairs(NamedTuple):
    """Samples that an attack and a control were both tried on, by which of the two succeeded."""

    attack: PlannedCell
    control: PlannedCell
    both: int
    attack_only: int
    control_only: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.attack_only + self.control_only + self.neither

    @property
    def success(self) -> Estimate:
        return estimate(self.both + self.attack_only, self.n)

    @property
    def control_success(self) -> Estimate:
        return estimate(self.both + self.control_only, self.n)

    @property
    def beyond(self) -> Difference:
        return paired_difference(self.both, self.attack_only, self.control_only, self.neither)

    @property
    def p_value(self) -> float:
        """Of the exact McNemar test, two-sided."""
        return mcnemar(self.attack_only, self.control_only)

    @property
    def better(self) -> bool:
        """Whether the attack is significantly better."""
        return self.attack_only > self.control_only and self.p_value < SIGNIFICANCE

    @property
    def decidable(self) -> bool:
        """Whether the control left enough samples for an attack that succeeds on all of them to be significantly better."""
        return mcnemar(self.attack_only + self.neither, 0) < SIGNIFICANCE


def pairs(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Pairs]:
    """Each attack on all samples beside the control with the most successes; empty without one.

    The choice of the best control favours the controls. An attack on survivors of other cells has no control on its samples.
    """
    cells = [(cell, rows.answered()) for cell, rows in cells if cell.on == "all"]
    controls = [(cell, rows) for cell, rows in cells if cell.attack == CONTROL]
    if not controls:
        return []
    control, found = max(controls, key=lambda each: len(attacked_ids(each[1])))
    return [_pairs(cell, rows, control, found) for cell, rows in cells if cell.role == "attack"]


def _pairs(cell: PlannedCell, rows: Records, control: PlannedCell, found: Records) -> Pairs:
    ids = np.intersect1d(rows["sample_id"], found["sample_id"])

    def among(records: Records) -> Column:
        return np.isin(ids, attacked_ids(records))

    one, other = among(rows), among(found)
    return Pairs(
        cell,
        control,
        int((one & other).sum()),
        int((one & ~other).sum()),
        int((~one & other).sum()),
        int((~one & ~other).sum()),
    )


def strongest(cells: Sequence[tuple[PlannedCell, Records]]) -> Pairs | None:
    """The attack with the greatest success beside the best control."""
    return max(pairs(cells), key=lambda each: each.success.value, default=None)


def beyond_part(cells: Sequence[tuple[PlannedCell, Records]]) -> BeyondPart | None:
    """The strongest attack beside the best control, for the summary; None without controls."""
    best = strongest(cells)
    if best is None:
        return None
    return BeyondPart(
        attack=best.attack.spec,
        control=best.control.spec,
        success=best.success,
        control_success=best.control_success,
        beyond=best.beyond,
        p_value=best.p_value,
    )


def no_better_than_control(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Flag]:
    """Flag a threat under which even the strongest attack is not significantly better than the best control.

    Where the control leaves too few samples to tell, that is noted instead.
    """
    best = strongest(cells)
    if best is None or best.better or not best.n:
        return []
    ours, theirs = round(best.success.value * best.n), round(best.control_success.value * best.n)
    counts = f"{best.control.spec} alone succeeded on {theirs} of {best.n} samples, {best.attack.spec} on {ours}"
    if not best.decidable:
        return [
            Flag(
                id="control-suffices",
                weakens=False,
                sentence=f"{counts}: the control leaves too few to tell whether the attack does better. Use a smaller area or more "
                "samples.",
            )
        ]
    return [
        Flag(
            id="no-better-than-control",
            weakens=True,
            sentence=f"{counts} (exact McNemar p = {best.p_value:.2g}): no attack did better than covering the same pixels, so they "
            "are too weak to be evidence. Use more steps, restarts or placements.",
        )
    ]


def uncontrolled(cells: Sequence[tuple[PlannedCell, Records]], kind: str) -> list[Flag]:
    """The note that no control ran beside the attacks under a patch."""
    if kind != "patch" or any(cell.attack == CONTROL for cell, _ in cells):
        return []
    return [
        Flag(
            id="no-control",
            weakens=False,
            sentence="No control ran, so it is unknown how much of the success is due to covering pixels alone: use --suite physical, or "
            "add --attack patch-control:fill=white with the same placements.",
        )
    ]
