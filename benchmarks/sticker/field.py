"""Photographs from the field, named by the shot plan: classified, scored, and set beside what was predicted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.gap import simulation_gap
from robustkit.benchmarks.sticker.photos import PhotoReading, read_cuts
from robustkit.benchmarks.sticker.predict import classify
from robustkit.benchmarks.sticker.scoring import CLEAN, CONTROL, Condition, Frame, score
from robustkit.benchmarks.sticker.shots import RP2_CELLS
from robustkit.benchmarks.sticker.signs import side_px
from robustkit.benchmarks.sticker.summary import StickerSummary
from robustkit.contracts.model import Model
from robustkit.data.files import shown
from robustkit.errors import UsageError

#: ``0002-control-grey-152cm-15deg-daylight-1``: see `robustkit.benchmarks.sticker.shots`.
NAME = re.compile(
    r"(?:\d+-)?(?P<subject>clean|sticker|control-[a-z0-9-]+?)-(?P<distance>\d+)cm-(?P<angle>-?\d+)deg-(?P<light>[a-z0-9-]+)-(?P<repeat>\d+)"
)


def score_field(folder: Path, model: Model, photos: str, reading: PhotoReading) -> tuple[StickerSummary, list[str]]:
    """The run's summary with the photographs scored, which the run folder then contains too, and notes for the user.

    Raises
    ------
    UsageError
        If there is no such run, the model is another one, or photos cannot be used.
    NothingEvaluatedError
        If no photo of the sticker counts.
    """
    run = StickerFolder(folder)
    asked, summary = run.check(), run.summary()
    found = model.fingerprint()
    if found != summary.model.fingerprint:
        raise UsageError(
            f"{model.name} (fingerprint {found[:12]}) is not the model of {folder}, {summary.model.name} "
            f"({summary.model.fingerprint[:12]}): name that one with --model"
        )
    cuts, notes = read_cuts(photos, run.sticker().sign, side_px(model), reading)
    places = [described(cut.file) for cut in cuts]
    predictions = classify(model, torch.stack([cut.picture for cut in cuts]), summary.seed)
    frames = [
        Frame(
            file=Path(cut.file).name,
            subject=subject,
            prediction=prediction,
            label=asked["true"],
            target=None if subject == CLEAN else asked["target"],
            size_px=cut.size_px,
            **place._asdict(),
        )
        for cut, (subject, place), prediction in zip(cuts, places, predictions, strict=True)
    ]
    photographed = score(frames)
    scored = summary.model_copy(
        update={
            "photographed": photographed,
            "gap": simulation_gap(summary.predicted, photographed),
            "photos": f"{summary.photos}; field: {photos}, {len(frames)} photos",
        }
    )
    run.add_photographs(frames, _pictures([cut.file for cut in cuts], [cut.picture for cut in cuts]), scored)
    return scored, notes


def described(file: str) -> tuple[str, Condition]:
    """The subject and the condition that a photo's name gives. Raises `UsageError` if it is not a name of the shot plan."""
    found = NAME.fullmatch(Path(file).stem)
    if found is None:
        raise UsageError(
            f"photo {shown(file)} is not named by the shot plan, such as 0001-sticker-305cm-15deg-daylight-1.jpg: rename it, see "
            "robustkit sticker plan"
        )
    subject = found["subject"].replace("control-", CONTROL, 1)
    return subject, Condition(*_cell(int(found["distance"]), int(found["angle"])), found["light"], int(found["repeat"]))


def _cell(distance_cm: int, angle_deg: int, cells: Sequence[tuple[float, float]] = RP2_CELLS) -> tuple[float, float]:
    """The cell whose rounded distance and angle are in a name."""
    return next(
        (cell for cell in cells if (round(cell[0]), round(cell[1])) == (distance_cm, angle_deg)),
        (float(distance_cm), float(angle_deg)),
    )


def _pictures(files: Sequence[str], pictures: Sequence[Tensor]) -> Mapping[str, Tensor]:
    return {Path(file).name: picture for file, picture in zip(files, pictures, strict=True)}
