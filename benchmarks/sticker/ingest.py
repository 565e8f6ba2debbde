"""Photographs of the sign from a folder or a CSV file, with what each shows.

The files of a folder are named as the plan of shots names them, ``SUBJECT-DISTANCEcm-ANGLEdeg-LIGHT-REPEAT.jpg`` with an optional
number before it: ``0017-control-grey-305cm--15deg-daylight-1.jpg``. A subject is ``clean``, ``sticker`` or ``control-NAME``. Frames of
a drive are named ``SUBJECT-runRUN-LIGHT-NUMBER.jpg``: ``sticker-run2-daylight-0040.jpg``.

A CSV file has the columns `file` and `subject`, and any of `distance_cm`, `angle_deg`, `light`, `repeat`, `run`, `number` and
`corners_px`; others, such as those of the plan, are ignored. `corners_px` are the corners of the sign in the upright photo, in order
around it, such as ``12 30; 201 33; 198 240; 10 236``.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from robustkit.benchmarks.sticker.scoring import CLEAN, CONTROL, STICKER, Condition
from robustkit.data.decode import SUFFIXES
from robustkit.data.files import Tree, local_path, open_regular, shown
from robustkit.errors import UsageError, brief, did_you_mean

_SUBJECT = r"(?:\d+-)?(?P<subject>clean|sticker|control-[a-z0-9-]+?)"
_PHOTO = re.compile(_SUBJECT + r"-(?P<distance_cm>\d+)cm-(?P<angle_deg>-?\d+)deg-(?P<light>[a-z0-9-]+)-(?P<repeat>\d+)")
_FRAME = re.compile(_SUBJECT + r"-run(?P<run>[a-z0-9]+)-(?P<light>[a-z0-9-]+)-(?P<number>\d+)")
_COLUMNS = ("file", "subject", "distance_cm", "angle_deg", "light", "repeat", "run", "number", "corners_px")
#: Problems that a message lists.
_LISTED = 8


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A file and what it shows; see `scoring.Frame`. `corners_px` are empty if the sign is to be found."""

    file: str
    subject: str
    distance_cm: float | None = None
    angle_deg: float | None = None
    light: str = ""
    repeat: int = 1
    run: str = ""
    number: int = 0
    corners_px: tuple[tuple[float, float], ...] = ()

    @property
    def condition(self) -> Condition | tuple[str, str]:
        """What a photo, or a frame of a drive, and its clean partner have in common."""
        return (self.light, self.run) if self.run else Condition(self.distance_cm, self.angle_deg, self.light, self.repeat)


class Problem(NamedTuple):
    """A photo that cannot be used, and why, as a clause."""

    file: str
    reason: str


@dataclass(frozen=True)
class Photos:
    """Photos below a folder, and those of which it is not known what they show."""

    tree: Tree
    photos: tuple[Photo, ...]
    problems: tuple[Problem, ...] = ()


def read_photos(source: str, *, follow_links: bool = False) -> Photos:
    """The photos in ``folder:PATH``, or listed in ``csv:PATH``.

    `follow_links` says whether links may lead out of that folder, or of the table's.

    Raises
    ------
    UsageError
        If the folder or file does not exist or lists no photos, or the table is invalid.
    """
    kind, _, path = source.partition(":")
    if kind not in ("folder", "csv"):
        raise UsageError(f"photos {brief(source)} must be a folder or a table: write folder:PATH or csv:PATH")
    found = (_folder if kind == "folder" else _table)(path, follow_links)
    if not found.photos and not found.problems:
        raise UsageError(f"{source!r} contains no photos: give a folder or a CSV file of photographs of the sign")
    return found


def check(problems: Sequence[Problem], total: int, skip_broken: bool, hint: str = "") -> None:
    """Raise `UsageError` if there are problems that are not to be skipped, or nothing is left; `hint` is one more way out."""
    if problems and (not skip_broken or len(problems) >= total):
        raise UsageError(
            f"{len(problems)} of {total} photos cannot be used ({listed(problems)}): correct or remove them, skip them with "
            f"--skip-broken{hint}"
        )


def listed(problems: Sequence[Problem]) -> str:
    """The first problems by name."""
    names = "; ".join(f"{shown(problem.file)}: {problem.reason}" for problem in problems[:_LISTED])
    return f"{names}; and {len(problems) - _LISTED} more" if len(problems) > _LISTED else names


def without_partner(photos: Iterable[Photo]) -> list[Problem]:
    """The photos of a sticker or control without a clean one of the same condition."""
    photos = list(photos)
    clean = {photo.condition for photo in photos if photo.subject == CLEAN}
    return [
        Problem(
            photo.file,
            f"no clean {'run of the same name and light' if photo.run else 'photo under the same condition'} is usable",
        )
        for photo in photos
        if photo.subject != CLEAN and photo.condition not in clean
    ]


def _folder(path: str, follow_links: bool) -> Photos:
    root = local_path(path, folder=True, expected="give a folder of photographs of the sign")
    tree = Tree(root, follow_links=follow_links)
    photos, problems = [], []
    for file in sorted(tree.walk("")):
        stem, suffix = os.path.splitext(os.path.basename(file))
        named = _PHOTO.fullmatch(stem.lower()) or _FRAME.fullmatch(stem.lower())
        if named:
            photos.append(_photo({"file": file, **named.groupdict()}))
        elif suffix.lower() in SUFFIXES:
            problems.append(
                Problem(file, "its name does not say what it shows, as SUBJECT-DISTANCEcm-ANGLEdeg-LIGHT-REPEAT does")
            )
    return Photos(tree, tuple(photos), tuple(problems))


def _table(path: str, follow_links: bool) -> Photos:
    file = local_path(path, folder=False, expected="give a folder of photographs, or a CSV file that lists them")
    what = f"table {brief(shown(path))}"
    try:
        with open_regular(file) as raw:
            lines = raw.read().decode("utf-8-sig").splitlines()
        delimiter = next((each for each in ",;\t" if "subject" in _names(lines, each)), ",")
        columns = _names(lines, delimiter)
        rows = list(csv.DictReader(lines[1:], fieldnames=columns, delimiter=delimiter))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{what} cannot be read as CSV in UTF-8: {error}") from None
    missing = next((needed for needed in ("file", "subject") if needed not in columns), None)
    if missing:
        raise UsageError(f"{what} has the columns {brief(columns)}: expected {missing!r} among them")
    tree, photos = Tree(file.parent, follow_links=follow_links), []
    earlier: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        try:
            photos.append(_photo({name: (row.get(name) or "").strip() for name in _COLUMNS}))
            tree.check(photos[-1].file)
            if photos[-1].file in earlier:
                raise UsageError(f"{shown(photos[-1].file)} is listed in row {earlier[photos[-1].file]} too: list it once")
            earlier[photos[-1].file] = number
        except UsageError as error:
            raise UsageError(f"{what}, row {number}: {error}") from None
    return Photos(tree, tuple(photos))


def _names(lines: Sequence[str], delimiter: str) -> list[str]:
    """The names of the columns in the first line."""
    return [name.strip().lower() for name in next(csv.reader(lines[:1], delimiter=delimiter), [])]


def _photo(given: dict[str, str]) -> Photo:
    """A photo from texts, those of an empty column left out."""
    texts = {name: text for name, text in given.items() if text}
    for name in ("file", "subject"):
        if name not in texts:
            raise UsageError(f"it has no {name}: give one")
    subject = re.sub(f"^{CONTROL[:-1]}-", CONTROL, texts["subject"])
    if subject not in (CLEAN, STICKER) and not re.fullmatch(f"{CONTROL}.+", subject):
        raise UsageError(f"subject {brief(subject)} is unknown: {did_you_mean(subject, (CLEAN, STICKER, 'control:NAME'))}")
    return Photo(
        file=texts["file"],
        subject=subject,
        distance_cm=_number(texts, "distance_cm"),
        angle_deg=_number(texts, "angle_deg"),
        light=texts.get("light", ""),
        repeat=int(_number(texts, "repeat", whole=True) or 0) if "repeat" in texts else 1,
        run=texts.get("run", ""),
        number=int(_number(texts, "number", whole=True) or 0),
        corners_px=_corners(texts.get("corners_px", "")),
    )


def _number(texts: dict[str, str], name: str, *, whole: bool = False) -> float | None:
    """The number in a column, None if it is empty."""
    if name not in texts:
        return None
    try:
        number = float(int(texts[name])) if whole else float(texts[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{name} {brief(texts[name])} is not a {'whole ' if whole else ''}number")
    return number


def _corners(text: str) -> tuple[tuple[float, float], ...]:
    corners = [re.split(r"[\s,]+", corner.strip()) for corner in text.split(";") if corner.strip()]
    try:
        return tuple((float(x), float(y)) for x, y in corners)
    except ValueError:
        raise UsageError(f"corners_px {brief(text)} are not corners: write them as '12 30; 201 33; 198 240; 10 236'") from None
