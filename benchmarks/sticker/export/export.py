"""A sticker, its controls and a placement sheet as PDF, SVG and PNG at true size, with a manifest."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from robustkit.benchmarks.sticker.export.manifest import manifest
from robustkit.benchmarks.sticker.export.packing import Placed, pack, room
from robustkit.benchmarks.sticker.export.page import drawing, files
from robustkit.benchmarks.sticker.export.paper import Paper
from robustkit.benchmarks.sticker.export.parts import parts
from robustkit.benchmarks.sticker.export.pieces import Piece, pieces
from robustkit.benchmarks.sticker.export.placement import placement
from robustkit.benchmarks.sticker.export.resolution import too_coarse
from robustkit.benchmarks.sticker.export.sheet import sheet
from robustkit.benchmarks.sticker.slug import check_slug
from robustkit.errors import UsageError
from robustkit.files import make_folder, write_bytes, write_text
from robustkit.physical.sticker import Sticker
from robustkit.printable import one_line

#: Sheets above which the sign's size is probably given in the wrong unit.
MOST_SHEETS = 100
FINEST_DPI, COARSEST_DPI = 2400, 72
MANIFEST = "manifest.json"
#: Names of the files of an export.
OURS = re.compile(r"(sticker|placement|control-[a-z0-9-]+)(\.pdf|-[0-9]+\.(svg|png))")


@dataclass(frozen=True)
class Export:
    """What was written.

    Parameters
    ----------
    files
        The PDF of the sticker first, the manifest last.
    sheets
        Sheets of the sticker itself.
    pieces
        Its pieces.
    warnings
        Sentences for the user.
    """

    files: tuple[Path, ...]
    sheets: int
    pieces: int
    warnings: tuple[str, ...]


def export(
    sticker: Sticker,
    folder: Path,
    *,
    paper: str = "A4",
    dpi: float = 300,
    margin_mm: float = 10.0,
    overlap_mm: float = 10.0,
    controls: Mapping[str, Sticker] | None = None,
    seed: int | None = None,
) -> Export:
    """Write the sheets to print.

    ``sticker.pdf`` has all sheets, ``sticker-1.svg``, ``sticker-1.png`` and so on one each; ``control-NAME`` and ``placement`` likewise.
    The files of an earlier export in the folder are removed.

    Parameters
    ----------
    paper
        A4, A3 or letter; it is turned on its side where that saves sheets.
    dpi
        Resolution of the PNG files, and of the printer that the warnings are about.
    margin_mm
        What the printer leaves blank.
    overlap_mm
        What neighbouring tiles of a piece that is larger than a sheet share.
    controls
        Control stickers by name, printed as further sheets.
    seed
        The seed the sticker was optimised with, for the manifest.

    Raises
    ------
    UsageError
        If the paper is unknown, a number is out of range, the mask is empty, a piece cannot be tiled, or a file cannot be written.
    """
    if not COARSEST_DPI <= dpi <= FINEST_DPI:
        raise UsageError(f"dpi={dpi:g} is not a printer's: give one from {COARSEST_DPI} to {FINEST_DPI}, such as 300")
    if not (math.isfinite(overlap_mm) and overlap_mm >= 0):
        raise UsageError(f"overlap_mm={overlap_mm:g} is not an overlap: give 0 or more, such as 10")
    stickers = {"sticker": sticker}
    for name, control in (controls or {}).items():
        check_slug("control", name)
        stickers[f"control-{name}"] = control
    upright = Paper.named(paper, margin_mm)
    cut = {name: pieces(each) for name, each in stickers.items()}
    layouts = {name: _arrange(each, upright, overlap_mm) for name, each in cut.items()}
    sign = one_line(sticker.sign.name, 30)
    contents: dict[str, bytes] = {}
    with drawing():
        for name, (page, layout) in layouts.items():
            title = f"{sign}: {name.replace('-', ' ', 1)}"
            drawn = (sheet(page, f"{title}, sheet {k} of {len(layout)}", placed) for k, placed in enumerate(layout, 1))
            contents |= files(name, title, drawn, dpi)
        title = f"{sign}: placement of the sticker"
        pages = placement(upright, sticker.sign, cut["sticker"], layouts["sticker"][1], title)
        contents |= files("placement", title, pages, dpi)
    warnings = too_coarse(sticker, dpi)
    written = manifest(
        stickers, cut["sticker"], contents, paper=upright, dpi=dpi, overlap_mm=overlap_mm, seed=seed, warnings=warnings
    )
    _write(folder, contents, json.dumps(written, indent=2) + "\n")
    paths = tuple(folder / name for name in (*contents, MANIFEST))
    return Export(paths, len(layouts["sticker"][1]), len(cut["sticker"]), tuple(warnings))


def _arrange(pieces: Sequence[Piece], upright: Paper, overlap_mm: float) -> tuple[Paper, list[list[Placed]]]:
    """The paper, upright or on its side, whichever takes fewer sheets, and the parts on each sheet."""
    layouts = []
    for paper in (upright, upright.landscape):
        cut = [part for piece in pieces for part in parts(piece, *room(paper.area), overlap_mm)]
        layouts.append((paper, pack(cut, paper.area)))
    paper, layout = min(layouts, key=lambda each: len(each[1]))
    if len(layout) > MOST_SHEETS:
        raise UsageError(
            f"the sticker needs {len(layout)} sheets of {paper.name} paper, more than {MOST_SHEETS}: choose larger paper, "
            "and check that the sign's size is in centimetres"
        )
    return paper, layout


def _write(folder: Path, contents: Mapping[str, bytes], manifest_text: str) -> None:
    """Replace the files of an earlier export, some of which may have no successor; the manifest is written last."""
    make_folder(folder)
    for path in folder.iterdir():
        if path.name == MANIFEST or OURS.fullmatch(path.name):
            path.unlink()
    for name, content in contents.items():
        write_bytes(folder / name, content)
    write_text(folder / MANIFEST, manifest_text)
