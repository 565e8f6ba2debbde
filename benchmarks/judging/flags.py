"""Signs in the records that a robust accuracy is overestimated (Carlini et al., arXiv 1902.06705)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robustkit.benchmarks.planning.manifest import PlannedCell
from robustkit.benchmarks.running.due import attacked_ids
from robustkit.benchmarks.running.records import Column, Records
from robustkit.benchmarks.summary import Flag
from robustkit.contracts.result import Status

#: Shares of the samples above which a sign is raised, and the number from which descents count.
NO_PROGRESS_SHARE = 0.05
DESCENT_SHARE, DESCENTS = 0.1, 3
BLACK_BOX_SHARE = 0.01
ZERO_GRADIENT_SHARE = 0.05
NOISE_WINS_SHARE = 0.01
UNCONFIRMED_SHARE = 0.01
UNDECIDED_SHARE = 0.05
SATURATED_SHARE = 0.05

#: Share of the samples that black-box and gradient attacks both failed on, on which the black-box attack came closer.
AHEAD_SHARE = 0.1


def diagnose(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """The flags of one threat's cells. `n` counts all samples of the run; rows without a valid result are ignored."""
    cells = [(cell, rows.answered()) for cell, rows in cells]
    flags = [
        *zero_gradients(cells, n),
        *no_progress(cells, n),
        *descent_beats_ascent(cells, n),
        *unsettled(cells),
        *noise_beats_gradient(cells, n),
        *black_box_beats_gradient(cells, n),
        *black_box_ahead(cells),
        *saturated(cells, n),
        *unconfirmed(cells, n),
        *only_controls(cells),
    ]
    return [flag for flag in flags if flag is not None]


def zero_gradients(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag survivors whose gradient was zero or not finite in at least half of the backward passes."""
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
            sentence=f"The gradient vanished or was not finite for {len(blind)} survivors out of {n} samples: the model masks its "
            "gradients, so gradient attacks prove little. Use a black-box attack, or a transfer attack from an undefended copy.",
        )
    ]


def no_progress(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag survivors whose margin no gradient attack reduced below that of the clean image and that of random noise.

    Universal attacks are excluded, because they are fitted on other images, and so are targeted samples, because the margin in
    the records is the label's.
    """
    gradient = [rows.where(rows["target"] < 0) for rows in white_box(cells)]
    noise = [rows for cell, rows in cells if cell.role == "control" and cell.attack == "noise"]
    if not gradient or n == 0:
        return []
    ids, reached = lowest_margins(gradient)
    clean_ids, clean = lowest_margins(gradient, "clean_margin")
    noisy_ids, noisy = lowest_margins(noise)
    undirected = clean[np.searchsorted(clean_ids, ids)]
    both = np.isin(ids, noisy_ids)
    undirected[both] = np.minimum(undirected[both], noisy[np.searchsorted(noisy_ids, ids[both])])
    stuck = ids[(reached >= undirected) & ~np.isin(ids, attacked_ids(*gradient))]
    if len(stuck) / n <= NO_PROGRESS_SHARE:
        return []
    return [
        Flag(
            id="no-progress",
            weakens=True,
            sentence=f"On {len(stuck)} of {n} samples no gradient attack reduced the label's margin below that of the clean image "
            "and of random noise: the gradients are uninformative.",
        )
    ]


def white_box(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Records]:
    """The rows of the gradient attacks, without universal ones, which are fitted on other images."""
    return [rows for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box" and not cell.universal]


def lowest_margins(found: Sequence[Records], column: str = "margin") -> tuple[Column, Column]:
    """The ids in some records, ascending, and the lowest margin of each."""
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    ids, where = np.unique(np.concatenate([rows["sample_id"] for rows in found]), return_inverse=True)
    lowest = np.full(len(ids), np.inf)
    np.minimum.at(lowest, where, np.concatenate([rows[column] for rows in found]))
    return ids, lowest


def descent_beats_ascent(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag samples on which the last minimum-norm attack succeeds and no fixed-budget attack does."""
    white = [(cell, rows) for cell, rows in cells if cell.role == "attack" and cell.knowledge == "white-box"]
    outside = [rows for cell, rows in white if cell.minimum_norm]
    inside = [rows for cell, rows in white if not cell.minimum_norm]
    if not outside or not inside or not len(outside[-1]):
        return []
    given = len(outside[-1])
    missed = np.setdiff1d(attacked_ids(outside[-1]), attacked_ids(*inside))
    if len(missed) < DESCENTS or len(missed) / given <= DESCENT_SHARE:
        return []
    return [
        Flag(
            id="descent-beats-ascent",
            weakens=False,
            sentence=f"The last minimum-norm attack succeeded on {len(missed)} of its {given} samples where no fixed-budget attack "
            "did: the loss is misleading in places, and other attacks may find more.",
        )
    ]


def unsettled(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Flag]:
    """Flag a verdict that its last two restricted fixed-budget gradient attacks still lowered: more may lower it further."""
    attacks = [(cell, rows) for cell, rows in cells if cell.role == "attack"]
    ascents = [
        place
        for place, (cell, _) in enumerate(attacks)
        if cell.knowledge == "white-box" and not cell.minimum_norm and cell.within is not None
    ]
    if not ascents:
        return []
    first = ascents[-2:][0]
    last = [attacks[place] for place in ascents[-2:]]
    late = np.setdiff1d(attacked_ids(*(rows for _, rows in last)), attacked_ids(*(rows for _, rows in attacks[:first])))
    if not len(late):
        return []
    names = " and ".join(cell.spec for cell, _ in last)
    count = f"{len(late)} sample{'s' * (len(late) > 1)}"
    return [
        Flag(
            id="unsettled",
            weakens=False,
            sentence=f"The last gradient attacks, {names}, still succeeded on {count}: more restarts may find more.",
        )
    ]


def black_box_beats_gradient(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag samples on which a black-box attack succeeds and no gradient attack with the same budget does."""
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
            sentence=f"Black-box attacks succeeded on {len(missed)} of {n} samples where no gradient attack did: some gradients "
            "are masked.",
        )
    ]


def black_box_ahead(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Flag]:
    """Flag samples whose margin a black-box attack reduced further than all gradient attacks, though none succeeded."""
    black_box = [rows for cell, rows in cells if cell.role == "attack" and cell.knowledge == "score"]
    gradient = white_box(cells)
    if not black_box or not gradient:
        return []
    (tried, reached), (ids, climbed) = lowest_margins(black_box), lowest_margins(gradient)
    both = np.setdiff1d(np.intersect1d(tried, ids), attacked_ids(*black_box, *gradient))
    ahead = int((reached[np.searchsorted(tried, both)] < climbed[np.searchsorted(ids, both)]).sum())
    if ahead < 2 or ahead / len(both) <= AHEAD_SHARE:
        return []
    return [
        Flag(
            id="black-box-ahead",
            weakens=False,
            sentence=f"On {ahead} of {len(both)} samples a black-box attack reduced the margin further than all gradient attacks: "
            "the gradients mislead in places.",
        )
    ]


def saturated(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag survivors whose softmax stays 0 or 1 to the last digit under every gradient attack."""
    gradient = white_box(cells)
    if not gradient or n == 0:
        return []
    ids, least = lowest_margins(gradient, "confidence")
    stuck = np.setdiff1d(ids[least >= 1], attacked_ids(*gradient))
    if len(stuck) / n <= SATURATED_SHARE:
        return []
    return [
        Flag(
            id="saturated",
            weakens=True,
            sentence=f"On {len(stuck)} of {n} samples the softmax stayed 1 to the last digit of float32, so the cross-entropy has no "
            "gradient; only attacks on logits are evidence. Divide the logits by a temperature.",
        )
    ]


def noise_beats_gradient(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag samples on which random noise succeeds and no gradient attack with the same budget does."""
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
            sentence=f"Random noise succeeded on {len(missed)} of {n} samples where no gradient attack did: the gradients are misleading.",
        )
    ]


def unconfirmed(cells: Sequence[tuple[PlannedCell, Records]], n: int) -> list[Flag]:
    """Flag successes that an attack claimed and the final pass did not confirm.

    A few are expected for a randomised model: near the decision boundary, the majority varies between queries.
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
                sentence=f"{doubted} claimed successes were not confirmed by a majority of fresh draws: these samples are near the "
                "decision boundary and count as robust. More draws (--eot) would settle them.",
            )
        ]
    return [
        Flag(
            id="unconfirmed",
            weakens=True,
            sentence=f"{doubted} claimed successes were not confirmed by a fresh pass and do not count: the model is randomised, "
            "or an attack exceeds its budget.",
        )
    ]


def only_controls(cells: Sequence[tuple[PlannedCell, Records]]) -> list[Flag]:
    """Flag a threat under which only controls ran."""
    if not all(cell.control for cell, _ in cells):
        return []
    return [Flag(id="only-controls", weakens=True, sentence="Only controls ran: no actual attack was tried.")]
