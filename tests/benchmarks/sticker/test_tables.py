"""Tables read as a person reads them."""

import pytest

from robustkit.benchmarks.sticker import tables
from robustkit.benchmarks.sticker.gap import simulation_gap
from robustkit.benchmarks.sticker.scoring import CLEAN, STICKER, Frame, Score, score
from robustkit.benchmarks.sticker.video import score_runs

STOP, LIMIT, YIELD = 14, 12, 17


def photo(subject: str, prediction: int, distance_cm: float, repeat: int, target: int | None) -> Frame:
    return Frame(
        file=f"{subject}_{distance_cm}_{repeat}",
        subject=subject,
        prediction=prediction,
        label=STOP,
        target=target,
        distance_cm=distance_cm,
        angle_deg=15,
        repeat=repeat,
        size_px=60,
    )


def photos(target: int | None = LIMIT, controls: bool = True) -> list[Frame]:
    """Six pairs at 1 m, all successful, and one at 3 m whose clean sign is misclassified."""
    seen = [(STICKER, LIMIT), *([("control:grey", STOP)] if controls else [])]
    near = [photo(subject, each, 100, repeat, target) for repeat in range(6) for subject, each in [(CLEAN, STOP), *seen]]
    return near + [photo(subject, each, 300, 1, target) for subject, each in [(CLEAN, YIELD), *seen]]


@pytest.fixture
def scored() -> Score:
    return score(photos())


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_headline_counts_and_compares_with_the_best_control(scored: Score) -> None:
    counted, untargeted, targeted = map(spaced, tables.headline(scored))
    assert counted == (
        "6 of 7 photos of the sticker count: the clean partner of 1 is misclassified, 0 have none; the clean sign is correctly "
        "classified in 6/7 86 % (49–97)."
    )
    assert untargeted == (
        "Untargeted: sticker 6/6 100 % (61–100), best control (grey) 0/6 0 % (0–39), +100 points (+45 to +100) beyond it, p = 0.031 "
        "(exact McNemar)."
    )
    assert targeted.startswith("Targeted: sticker 6/6")


def test_no_control_is_said_beside_the_success() -> None:
    (_, untargeted) = tables.headline(score(photos(target=None, controls=False)))
    assert untargeted.endswith(f"; {tables.NO_CONTROL}.")


def test_few_photos_are_not_proven() -> None:
    found = score([each for each in photos() if each.repeat < 5])
    assert "not proven to be better than the control" in tables.beyond_control(found.untargeted)


def test_a_control_photographed_less_often_is_compared_where_it_was() -> None:
    found = score([each for each in photos() if each.subject != "control:grey" or each.repeat < 2])
    text = spaced(tables.beyond_control(found.untargeted))
    assert text.startswith("sticker 6/6 100 % (61–100); where the control was photographed too, sticker 2/2")


def test_rows_are_distances_and_columns_angles(scored: Score) -> None:
    untargeted, targeted = tables.cells(scored)
    assert untargeted.title == "Untargeted success by distance and angle; control: grey"
    assert untargeted.head == ("", "15°")
    assert [tuple(map(spaced, row)) for row in untargeted.rows] == [
        ("1 m", "6/6 100 % (61–100), control 0/6 0 % (0–39)"),
        ("3 m", "0 of 1 count"),
    ]
    assert targeted.rows == untargeted.rows


def test_every_success_stands_beside_the_control(scored: Score) -> None:
    (table, _) = tables.sizes(scored)
    assert [tuple(map(spaced, row)) for row in table.rows] == [("48 to 64 px", "6/6 100 % (61–100), control 0/6 0 % (0–39)")]
    assert [row[0] for row in tables.subjects(scored).rows] == ["sticker", "grey"]


def test_runs_are_listed_and_summed() -> None:
    frames = [
        Frame(file=f"{subject}{number}", subject=subject, prediction=each, label=STOP, run="a", light="day", number=number)
        for subject, each in ((CLEAN, STOP), (STICKER, LIMIT), ("control:grey", STOP))
        for number in range(3)
    ]
    each, over = tables.runs(score_runs(frames))
    assert [tuple(map(spaced, row)) for row in each.rows] == [
        ("control:grey", "day a", "3", "0 %", "0", "0 %"),
        ("sticker", "day a", "3", "100 %", "3", "100 %"),
    ]
    assert over.head == ("", "in most frames", "in most of 10 consecutive frames", "mean share of frames")
    assert [row[0] for row in over.rows] == ["sticker", "grey"]


def test_predicted_stands_beside_photographed(scored: Score) -> None:
    table = tables.gaps(simulation_gap(scored, scored).untargeted, "untargeted")
    assert table.rows[1][2:] == ("—", "—", "—")
    assert spaced(table.rows[2][4]) == "+0 points (-39 to +39)"


def test_text_has_aligned_columns_and_markdown_is_escaped() -> None:
    table = tables.Table("A <b>", ("", "x"), (("long|name", "1"), ("b", "2")))
    assert table.text() == "A <b>\n           x\nlong|name  1\nb          2"
    assert table.markdown() == "A \\<b\\>\n\n|  | x |\n| --- | --- |\n| long\\|name | 1 |\n| b | 2 |"


def test_unknown_distances_are_dashes() -> None:
    assert (tables.distance_text(None), tables.angle_text(None)) == ("—", "—")
    assert (spaced(tables.distance_text(305)), tables.angle_text(-15.5)) == ("3.05 m", "-15.5°")
