"""Diagnosis: signs in the records that a robust accuracy is less than it seems (Carlini et al., arXiv 1902.06705)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustkit.benchmarks.planning.manifest import PlannedCell
from robustkit.benchmarks.running.due import attacked_ids
from robustkit.benchmarks.running.records import Records
from robustkit.benchmarks.summary import Flag
from robustkit.contracts.result import Status

#: Shares of the samples above which a sign is no longer chance.
NO_PROGRESS_SHARE = 0.05
DESCENT_SHARE = 0.02
BLACK_BOX_SHARE = 0.01
ZERO_GRADIENT_SHARE = 0.05
NOISE_WINS_SHARE = 0.01
UNCONFIRMED_SHARE = 0.01
UNDECIDED_SHARE = 0.05


def diagnose(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """The flags of one threat's cells. `n` counts all samples of the run; rows without a valid answer are no sign of anything."""
    cells = [(cell, rows.answered()) for cell, rows in cells]
    flags = [
        *zero_gradients(cells, n),
        *no_progress(cells, n),
        *descent_beats_ascent(cells, n),
        *noise_beats_gradient(cells, n),
        *black_box_beats_gradient(cells, n),
        *unconfirmed(cells, n),
        *only_controls(cells),
    ]
    return [flag for flag in flags if flag is not None]


def zero_gradients(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Survivors for which the gradient vanished, or was not finite, in half or more of the backward passes."""
    blind = np.zeros(0, dtype=np.int64)
    for cell, rows in cells:
        if cell.knowledge == "white-box":
            survived = ~rows["verified"].astype(bool) & (rows["zero_gradients"] > 0)
            blind = np.union1d(blind, rows["sample_id"][survived & (2 * rows["zero_gradients"] >= rows["backwards"])])
    if n == 0 or len(blind) / n <= ZERO_GRADIENT_SHARE:
        return []
    return [
        Flag(
            id="zero-gradients",
            weakens=True,
            sentence=f"The gradient vanished or was not finite for {len(blind)} of {n} samples that survived: the model masks its "
            "gradients, and attacks that follow them prove little. Use a black-box attack, or attack an undefended copy and transfer.",
        )
    ]


def no_progress(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Samples that survived with as great a margin as in the clean image after the best of the gradient attacks.

    A universal perturbation does not count among these: it was made from other images.
    """
    white = [(cell, rows) for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box"]
    gradient = [rows for cell, rows in white if not cell.universal]
    if not gradient or n == 0:
        return []
    seen = np.unique(np.concatenate([rows["sample_id"] for rows in gradient]))
    moved = np.unique(
        np.concatenate(
            [rows["sample_id"][rows["verified"].astype(bool) | (rows["margin"] < rows["clean_margin"])] for rows in gradient]
        )
    )
    stuck = np.setdiff1d(seen, moved)
    if len(stuck) / n <= NO_PROGRESS_SHARE:
        return []
    return [
        Flag(
            id="no-progress",
            weakens=True,
            sentence=f"On {len(stuck)} of {n} samples no gradient attack brought the label's lead below that in the clean image: "
            "the gradients are uninformative.",
        )
    ]


def descent_beats_ascent(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Samples that the last of the attacks from outside the budget beats, and none that climbs within it does."""
    white = [(cell, rows) for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box"]
    outside = [rows for cell, rows in white if cell.minimum_norm]
    inside = [rows for cell, rows in white if not cell.minimum_norm]
    if not outside or not inside or not len(outside[-1]):
        return []
    given = len(outside[-1])
    missed = np.setdiff1d(attacked_ids(outside[-1]), attacked_ids(*inside))
    if len(missed) / given <= DESCENT_SHARE:
        return []
    return [
        Flag(
            id="descent-beats-ascent",
            weakens=False,
            sentence=f"The last minimum-norm attack beat {len(missed)} of the {given} samples it was given, and no attack climbing "
            "within the budget beat those: the loss misleads in places, and other attacks may find more.",
        )
    ]


def black_box_beats_gradient(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Samples that an attack without gradients beats and no gradient attack under the same budget does."""
    black_box = [rows for cell, rows in cells if cell.role == "attack" and cell.knowledge != "white-box"]
    gradient = [rows for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box"]
    if not black_box or not gradient or n == 0:
        return []
    missed = np.setdiff1d(
        attacked_ids(*black_box),
        attacked_ids(*gradient),
    )
    if not len(missed):
        return []
    return [
        Flag(
            id="black-box-beats-gradient",
            weakens=len(missed) / n > BLACK_BOX_SHARE,
            sentence=f"Attacks without gradients beat {len(missed)} of {n} samples that no gradient attack beat: parts of the "
            "gradients are masked.",
        )
    ]


def noise_beats_gradient(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Samples that random noise beats and a gradient attack with the same budget does not."""
    noise = [rows for cell, rows in cells if cell.role == "control" and cell.attack == "noise"]
    gradient = [rows for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box"]
    if not noise or not gradient or n == 0:
        return []
    by_noise = attacked_ids(*noise)
    by_gradient = attacked_ids(*gradient)
    missed = np.setdiff1d(by_noise, by_gradient)
    if len(missed) / n <= NOISE_WINS_SHARE:
        return []
    return [
        Flag(
            id="noise-beats-gradient",
            weakens=True,
            sentence=f"Random noise beat {len(missed)} of {n} samples that no gradient attack beat: the gradients mislead.",
        )
    ]


def unconfirmed(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Successes that the search claimed and the final pass did not confirm.

    Of several draws a few are to be expected: samples at the edge, whose majority changes from one question to the next.
    """
    counts = {cell.name: int(rows.has_status(Status.UNCONFIRMED).sum()) for cell, rows in cells}
    doubted = sum(counts.values())
    if n == 0 or doubted / n <= UNCONFIRMED_SHARE:
        return []
    if all(cell.draws > 1 for cell, _ in cells if counts[cell.name]):
        return [
            Flag(
                id="unconfirmed",
                weakens=max(counts.values()) / n > UNDECIDED_SHARE,
                sentence=f"{doubted} claimed successes were not confirmed by the majority of fresh draws: these samples are at the "
                "edge, and count as robust. More draws (--eot) decide them.",
            )
        ]
    return [
        Flag(
            id="unconfirmed",
            weakens=True,
            sentence=f"{doubted} claimed successes were not confirmed by a fresh pass: the model is random, or an attack breaks "
            "its budget. They do not count.",
        )
    ]


def only_controls(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Flag]:
    """No attack ran beside the controls."""
    if not all(cell.control for cell, _ in cells):
        return []
    return [Flag(id="only-controls", weakens=True, sentence="Only controls ran: no attack with a method has tried.")]
