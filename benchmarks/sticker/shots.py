"""The shots to take in the field: what, from where, in which light, and the file to save each as."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from robustkit.benchmarks.sticker.slug import check_slug
from robustkit.errors import UsageError, brief
from robustkit.physical.views.poses import FOOT_CM

#: RP2's stationary grid (arXiv 1707.08945, tables 2 and 3): angles in degrees at each distance in feet.
RP2_GRID_FT = {5: (0, 15, 30, 45, 60), 10: (0, 15, 30), 15: (0, 15), 20: (0, 15), 25: (0,), 30: (0,), 40: (0,)}
RP2_CELLS = tuple((FOOT_CM * feet, float(angle)) for feet, angles in RP2_GRID_FT.items() for angle in angles)


class Shot(NamedTuple):
    """A photograph to take.

    Parameters
    ----------
    shot
        Its number, in the order of taking.
    file
        The name to save it as, by which scoring finds it.
    subject
        ``clean``, ``sticker`` or ``control:NAME``.
    cell
        The number of the distance and angle, from 1.
    distance_cm, angle_deg, light, repeat
        What a sticker's photo has in common with its clean partner.
    """

    shot: int
    file: str
    subject: str
    cell: int
    distance_cm: float
    angle_deg: float
    light: str
    repeat: int


def plan(
    cells: Sequence[tuple[float, float]] = RP2_CELLS,
    *,
    lights: Sequence[str] = ("daylight",),
    controls: Sequence[str] = ("grey",),
    repeats: int = 1,
) -> list[Shot]:
    """Every subject in every cell and light. The subjects of a cell follow one another, so that the light is the same.

    Parameters
    ----------
    cells
        Distances in cm with angles in degrees, RP2's by default.
    lights
        Names, such as ``daylight`` and ``dusk``.
    controls
        Names of the control stickers.
    repeats
        Photos of each subject.

    Raises
    ------
    UsageError
        If a distance, angle, name or number is invalid or given twice.
    """
    for distance, angle in cells:
        if not (math.isfinite(distance) and distance > 0):
            raise UsageError(f"distance_cm={brief(distance)} is not a distance: give a number above 0")
        if not -90 < angle < 90:
            raise UsageError(f"angle_deg={brief(angle)} does not show the sign's front: give an angle between -90 and 90")
    if repeats < 1:
        raise UsageError(f"repeats={brief(repeats)} takes no photo: give at least 1")
    for what, names in (("light", lights), ("control", controls), ("cell", cells)):
        if not names and what != "control":
            raise UsageError(f"no {what} is given, so there is nothing to photograph: give at least one")
        if len(set(names)) < len(names):
            raise UsageError(f"a {what} is given twice in {brief(list(names))}: give each once")
    for what, names in (("light", lights), ("control", controls)):
        for name in names:
            check_slug(what, name)
    subjects = ("clean", "sticker", *(f"control:{name}" for name in controls))
    every = (
        (subject, cell, distance, angle, light, repeat)
        for light in lights
        for cell, (distance, angle) in enumerate(cells, 1)
        for subject in subjects
        for repeat in range(1, repeats + 1)
    )
    return [
        Shot(number, _file(number, subject, distance, angle, light, repeat), subject, cell, distance, angle, light, repeat)
        for number, (subject, cell, distance, angle, light, repeat) in enumerate(every, 1)
    ]


def _file(number: int, subject: str, distance_cm: float, angle_deg: float, light: str, repeat: int) -> str:
    """The name of a shot's file, readable and, by its number, unique."""
    return f"{number:04d}-{subject.replace(':', '-')}-{distance_cm:.0f}cm-{angle_deg:.0f}deg-{light}-{repeat}.jpg"


def csv_text(shots: Sequence[Shot]) -> str:
    """The shots as CSV with a header."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(Shot._fields)
    rows.writerows(shots)
    return text.getvalue()
