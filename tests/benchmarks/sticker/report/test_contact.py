"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from robustkit.benchmarks.sticker.report.contact import MOST_ROWS, SHOWN_PX, contact_sheet
from robustkit.benchmarks.sticker.scoring import Frame


def frame(subject: str, distance: float, repeat: int = 1) -> Frame:
    return Frame(
        file=f"{subject}-{distance}-{repeat}.jpg", subject=subject, prediction=0, label=0, distance_cm=distance, repeat=repeat
    )


def picture(folder: Path, shown: Frame, size: tuple[int, int] = (32, 16)) -> None:
    Image.new("RGB", size).save(folder / f"{Path(shown.file).stem}.png")


def test_rows_are_places_and_columns_are_subjects(tmp_path: Path) -> None:
    frames = [frame("sticker", 300), frame("clean", 300), frame("sticker", 100), frame("control:grey", 300)]
    for each in frames[:3]:
        picture(tmp_path, each)
    sheet = contact_sheet(frames, tmp_path, ["clean", "sticker", "control:grey"])
    assert sheet is not None
    assert sheet.subjects == ["clean", "sticker"]
    assert [row.condition.distance_cm for row in sheet.rows] == [100, 300]
    assert [shown is None for shown in sheet.rows[0].shown] == [True, False]
    shown = sheet.rows[1].shown[0]
    assert shown is not None
    assert (shown.width, shown.height, shown.pixelated) == (SHOWN_PX, SHOWN_PX // 2, True)


def test_without_pictures_there_is_no_sheet(tmp_path: Path) -> None:
    (tmp_path / "clean-300-1.png").write_bytes(b"damaged")
    assert contact_sheet([frame("clean", 300)], tmp_path, ["clean"]) is None


def test_of_many_rows_every_place_comes_before_a_repeat(tmp_path: Path) -> None:
    frames = [frame("clean", distance, repeat) for distance in range(100, 100 + MOST_ROWS) for repeat in (1, 2)]
    for each in frames:
        picture(tmp_path, each)
    sheet = contact_sheet(frames, tmp_path, ["clean"])
    assert sheet is not None
    assert {row.condition.repeat for row in sheet.rows} == {1}
    assert sheet.left_out == MOST_ROWS
