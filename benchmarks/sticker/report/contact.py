"""The contact sheet: renderings and photographs of each subject from the same place, as the model saw them."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from robustkit.benchmarks.sticker.scoring import Condition, Frame

#: Longest edge of an embedded picture, and the edge at which it is shown, in pixels.
EDGE_PX, SHOWN_PX = 112, 96
#: Rows of a sheet.
MOST_ROWS = 24


@dataclass(frozen=True)
class Shown:
    """A frame's picture as a data URI, with its prediction."""

    frame: Frame
    uri: Markup
    width: int
    height: int
    pixelated: bool


@dataclass(frozen=True)
class Row:
    """The pictures of one place and light by subject; None where there is none."""

    condition: Condition
    shown: list[Shown | None]


@dataclass(frozen=True)
class Contact:
    """A contact sheet with one column for each of its subjects. `left_out` rows do not fit."""

    subjects: list[str]
    rows: list[Row]
    left_out: int


def contact_sheet(frames: Sequence[Frame], folder: Path, subjects: Sequence[str]) -> Contact | None:
    """The frames whose pictures are in the folder, nearest first; None if there is no picture."""
    pictures: defaultdict[Condition, dict[str, Shown]] = defaultdict(dict)
    for frame in frames:
        if frame.subject in subjects and not frame.run and (shown := _shown(frame, folder)) is not None:
            pictures[frame.condition][frame.subject] = shown
    order = sorted(pictures, key=lambda each: (each.distance_cm or 0, each.angle_deg or 0, each.light, each.repeat))
    present = [subject for subject in subjects if any(subject in each for each in pictures.values())]
    rows = [Row(each, [pictures[each].get(subject) for subject in present]) for each in order]
    # One repeat of every place before the second of any.
    rows.sort(key=lambda row: row.condition.repeat)
    kept = sorted(rows[:MOST_ROWS], key=lambda row: order.index(row.condition))
    return Contact(present, kept, len(rows) - len(kept)) if rows else None


def data_uri(image: Image.Image) -> Markup:
    """A picture as a PNG in a data URI."""
    encoded = io.BytesIO()
    image.save(encoded, format="PNG")
    return Markup("data:image/png;base64,") + base64.b64encode(encoded.getvalue()).decode("ascii")


def _shown(frame: Frame, folder: Path) -> Shown | None:
    path = folder / f"{Path(frame.file).stem}.png"
    if path.is_symlink():
        return None
    try:
        with Image.open(path, formats=["PNG"]) as opened:
            image = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    pixelated = max(image.size) <= SHOWN_PX
    image.thumbnail((EDGE_PX, EDGE_PX))
    scale = SHOWN_PX / max(image.size)
    return Shown(frame, data_uri(image), round(image.width * scale), round(image.height * scale), pixelated)
