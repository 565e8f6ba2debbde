"""Photographs listed by their names or by a table, and what is said about bad ones."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from robustkit.benchmarks.sticker.ingest import Photo, Problem, check, read_photos, without_partner
from robustkit.benchmarks.sticker.shots import csv_text, plan
from robustkit.errors import UsageError

Saved = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def save(*files: str) -> Path:
        for file in files:
            Image.new("RGB", (4, 6), (255, 0, 0)).save(tmp_path / file)
        return tmp_path

    return save


def test_names_of_the_plan_say_what_photos_show(saved: Saved) -> None:
    shots = plan([(305, -15)], lights=("day-light",), controls=("dark-grey",), repeats=2)
    found = read_photos(f"folder:{saved(*(shot.file for shot in shots))}")
    assert found.problems == ()
    assert [(p.file, p.subject, p.distance_cm, p.angle_deg, p.light, p.repeat) for p in found.photos] == [
        (shot.file, shot.subject, shot.distance_cm, shot.angle_deg, shot.light, shot.repeat) for shot in shots
    ]


def test_the_plan_itself_is_a_table_of_the_photos(saved: Saved) -> None:
    shots = plan([(152.4, 15)])
    folder = saved(*(shot.file for shot in shots))
    (folder / "plan.csv").write_text(csv_text(shots))
    found = read_photos(f"csv:{folder / 'plan.csv'}")
    assert [(photo.subject, photo.distance_cm) for photo in found.photos] == [(shot.subject, 152.4) for shot in shots]
    assert found.tree.open(found.photos[0].file).read(2) == b"\xff\xd8"
    assert len(read_photos(f"folder:{folder}").photos) == 3


def test_frames_of_a_drive_have_a_run_and_a_number(saved: Saved) -> None:
    (photo,) = read_photos(f"folder:{saved('Sticker-run2-Day-0040.JPG')}").photos
    assert photo == Photo(file="Sticker-run2-Day-0040.JPG", subject="sticker", light="day", run="2", number=40)


def test_a_name_that_says_nothing_is_a_problem_and_other_files_are_not(saved: Saved) -> None:
    folder = saved("IMG_0001.jpg")
    (folder / "notes.txt").write_text("rain")
    found = read_photos(f"folder:{folder}")
    assert [problem.file for problem in found.problems] == ["IMG_0001.jpg"]


def test_corners_may_be_given_in_a_table_with_semicolons_quoted(tmp_path: Path) -> None:
    (tmp_path / "field.csv").write_text(
        'file;subject;corners_px;run;number\na.jpg;control-grey;"12 30; 201.5,33; 198 240; 10 236";;\nb.jpg;clean;;1;7\n'
    )
    cornered, filmed = read_photos(f"csv:{tmp_path / 'field.csv'}").photos
    assert cornered == Photo(file="a.jpg", subject="control:grey", corners_px=((12, 30), (201.5, 33), (198, 240), (10, 236)))
    assert (filmed.run, filmed.number, filmed.repeat) == ("1", 7, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("file,light\na.jpg,day\n", r"has the columns \['file', 'light'\]: expected 'subject' among them"),
        ("file,subject\na.jpg,stickr\n", r"row 2: subject 'stickr' is unknown: did you mean 'sticker'\?"),
        ("file,subject\n,clean\n", "row 2: it has no file: give one"),
        ("file,subject,distance_cm\na.jpg,clean,3m\n", "row 2: distance_cm '3m' is not a number"),
        ("file,subject,repeat\na.jpg,clean,1.5\n", r"row 2: repeat '1.5' is not a whole number"),
        ("file,subject,corners_px\na.jpg,clean,12 30 201\n", "row 2: corners_px '12 30 201' are not corners"),
        ("file,subject\n../../secret.jpg,clean\n", "row 2: .* leads out of that folder"),
        ("file,subject\na.jpg,clean\na.jpg,sticker\n", r"row 3: a.jpg is listed in row 2 too: list it once"),
        ("file,subject\n", "contains no photos"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "field.csv").write_text(table)
    Path(tmp_path.parent / "secret.jpg").touch()
    with pytest.raises(UsageError, match=message):
        read_photos(f"csv:{tmp_path / 'inner' / 'field.csv'}")


def test_a_photo_needs_a_clean_one_of_the_same_condition() -> None:
    clean = Photo(file="a", subject="clean", distance_cm=100, light="day")
    alone = [
        Photo(file="b", subject="sticker", distance_cm=200, light="day"),
        Photo(file="c", subject="control:x", run="1", light="day"),
    ]
    paired = [Photo(file="d", subject="sticker", distance_cm=100, light="day")]
    assert [problem.file for problem in without_partner([clean, *alone, *paired])] == ["b", "c"]


def test_problems_are_named_and_counted_unless_they_are_skipped() -> None:
    problems = [Problem(f"{k}.jpg", "it is dark") for k in range(10)]
    message = (
        r"10 of 40 photos cannot be used \(0.jpg: it is dark; .*; 7.jpg: it is dark; and 2 more\): .* --skip-broken, or wait"
    )
    with pytest.raises(UsageError, match=message):
        check(problems, 40, skip_broken=False, hint=", or wait")
    check(problems, 40, skip_broken=True)
    check([], 40, skip_broken=False)
    with pytest.raises(UsageError, match="10 of 10 photos cannot be used"):
        check(problems, 10, skip_broken=True)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="contains no photos"):
        read_photos(f"folder:{tmp_path}")


def test_the_kind_of_source_is_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be a folder or a table: write folder:PATH or csv:PATH"):
        read_photos(str(tmp_path))
