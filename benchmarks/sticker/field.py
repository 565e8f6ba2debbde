"""Photographs and videos from the field: classified, scored, and set beside what was predicted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.gap import simulation_gap
from robustkit.benchmarks.sticker.ingest import Photo, check, read_photos, without_partner
from robustkit.benchmarks.sticker.photos import PhotoReading, cut_all, skipped
from robustkit.benchmarks.sticker.predict import classify
from robustkit.benchmarks.sticker.scoring import CLEAN, Frame, score
from robustkit.benchmarks.sticker.signs import side_px
from robustkit.benchmarks.sticker.summary import StickerSummary
from robustkit.benchmarks.sticker.video import score_runs
from robustkit.contracts.model import Model
from robustkit.errors import UsageError


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
    listed = read_photos(photos, follow_links=reading.follow_links)
    shown = {photo.file: photo for photo in listed.photos}
    files = [(photo.file, photo.corners_px) for photo in listed.photos]
    cuts, problems = cut_all(listed.tree, files, run.sticker().sign, side_px(model), reading)
    alone = without_partner(shown[cut.file] for cut in cuts)
    problems = [*listed.problems, *problems, *alone]
    total = len(listed.photos) + len(listed.problems)
    check(problems, total, reading.skip_broken, reading.hint)
    cuts = [cut for cut in cuts if cut.file not in {problem.file for problem in alone}]
    predictions = classify(model, torch.stack([cut.picture for cut in cuts]), summary.seed)
    frames = [_frame(shown[cut.file], cut.size_px, each, asked) for cut, each in zip(cuts, predictions, strict=True)]
    scored = summary.model_copy(update=_scored(summary, frames, photos))
    run.add_photographs(frames, {Path(cut.file).name: cut.picture for cut in cuts}, scored)
    return scored, skipped(problems, total)


def _scored(summary: StickerSummary, frames: Sequence[Frame], photos: str) -> dict[str, Any]:
    """The parts of the summary on photographs and videos."""
    stills, filmed = (any(bool(frame.run) == film for frame in frames) for film in (False, True))
    photographed = score(frames) if stills else None
    return {
        "photographed": photographed,
        "filmed": score_runs(frames) if filmed else None,
        "gap": simulation_gap(summary.predicted, photographed) if photographed else None,
        "photos": f"{summary.photos}; field: {photos}, {len(frames)} photos",
    }


def _frame(photo: Photo, size_px: float, prediction: int, asked: dict[str, Any]) -> Frame:
    return Frame(
        file=Path(photo.file).name,
        subject=photo.subject,
        prediction=prediction,
        label=asked["true"],
        target=None if photo.subject == CLEAN else asked["target"],
        distance_cm=photo.distance_cm,
        angle_deg=photo.angle_deg,
        light=photo.light,
        repeat=photo.repeat,
        size_px=size_px,
        run=photo.run,
        number=photo.number,
    )
