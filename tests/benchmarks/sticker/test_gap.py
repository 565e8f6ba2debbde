"""The gap between renderings and photos, counted by hand."""

import pytest

from robustkit.benchmarks.sticker.gap import SimulationGap, simulation_gap
from robustkit.benchmarks.sticker.scoring import CLEAN, STICKER, Frame, Score, score

STOP, LIMIT = 14, 12


def scored(successes: dict[float, tuple[int, int]], target: int | None = LIMIT) -> Score:
    """The score of photos of which so many of so many succeed, by distance."""
    return score(
        [
            Frame(
                file=f"{subject}_{distance}_{repeat}",
                subject=subject,
                distance_cm=distance,
                angle_deg=0,
                repeat=repeat,
                prediction=LIMIT if subject == STICKER and repeat < k else STOP,
                label=STOP,
                target=target,
            )
            for distance, (k, n) in successes.items()
            for repeat in range(n)
            for subject in (CLEAN, STICKER)
        ]
    )


def test_the_gap_of_a_cell_is_photographed_minus_predicted() -> None:
    gap = simulation_gap(scored({100: (9, 10)}), scored({100: (1, 2)})).untargeted
    (cell,) = gap.cells
    assert (cell.distance_cm, cell.angle_deg) == (100, 0)
    assert (cell.predicted.value, cell.photographed.value) == (0.9, 0.5)
    assert cell.difference.value == pytest.approx(-0.4)
    assert cell.difference.low < -0.4 < cell.difference.high
    assert gap.overall.difference == cell.difference


def test_predictions_are_weighted_as_the_photos_are_spread() -> None:
    overall = simulation_gap(scored({100: (10, 10), 200: (0, 90)}), scored({100: (3, 3), 200: (0, 1)})).untargeted.overall
    assert (overall.predicted.value, overall.photographed.value, overall.difference.value) == (0.75, 0.75, 0)
    assert overall.predicted.n == 17  # 1 / (0.75² / 10 + 0.25² / 90)


def test_cells_without_photos_or_renderings_are_shown_but_do_not_count() -> None:
    gap = simulation_gap(scored({100: (1, 2), 300: (2, 2)}), scored({100: (1, 2), 200: (2, 2)})).untargeted
    assert [(cell.distance_cm, cell.predicted.n, cell.photographed.n) for cell in gap.cells] == [
        (100, 2, 2),
        (200, 0, 2),
        (300, 2, 0),
    ]
    assert [(cell.difference.low, cell.difference.high) for cell in gap.cells[1:]] == [(-1, 1), (-1, 1)]
    assert (gap.overall.predicted.n, gap.overall.photographed.n) == (2, 2)


def test_the_name_of_a_photo_gives_its_cell_to_the_centimetre() -> None:
    (cell,) = simulation_gap(scored({152.4: (1, 2)}), scored({152: (1, 2)})).untargeted.cells
    assert (cell.distance_cm, cell.predicted.n, cell.photographed.n) == (152, 2, 2)


def test_nothing_in_common_says_nothing() -> None:
    overall = simulation_gap(scored({100: (1, 2)}), scored({200: (1, 2)})).untargeted.overall
    assert (overall.difference.low, overall.difference.high, overall.difference.n) == (-1, 1, 0)


def test_targeted_success_is_compared_if_both_have_it() -> None:
    targeted, untargeted = scored({100: (1, 2)}), scored({100: (1, 2)}, target=None)
    assert simulation_gap(targeted, untargeted).targeted is None
    found = simulation_gap(targeted, targeted)
    assert found.targeted == found.untargeted
    assert SimulationGap.model_validate_json(found.model_dump_json()) == found


def test_rounding_loses_no_sample() -> None:
    cells = {float(100 * k): (k % 5, 4) for k in range(1, 13)}
    overall = simulation_gap(scored(cells), scored(cells)).untargeted.overall
    assert overall.predicted == overall.photographed
    assert overall.predicted.n == 48
