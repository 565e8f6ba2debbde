"""Consistency checks of records: against the samples, among their own values, and against the stored images."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from robustkit.benchmarks.planning.manifest import PlannedCell
from robustkit.benchmarks.running.records import STATUS_NAMES, Column, Records
from robustkit.contracts.result import Status
from robustkit.files import must_be_regular
from robustkit.projections import Bounds
from robustkit.threats import NormThreat, PatchThreat, Threat
from robustkit.threats.norm import in_box

#: Number of unsuccessful images closest to success that are stored as well, for the report's borderline images.
NEAREST = 4

#: Relative and absolute tolerance for recorded distances, because devices round differently.
RELATIVE, ABSOLUTE = 1e-3, 1e-5


def samples_contradict(clean: Records, cell: str, ids: Column, labels: Column, classes: int | None = None) -> str | None:
    """The first inconsistency in the records of clean images with these ids and labels; None if there is none."""
    order = np.searchsorted(ids, clean["sample_id"], sorter=(by := np.argsort(ids)))
    position = by[np.minimum(order, len(ids) - 1)] if len(ids) else order
    answered = ~clean.has_status(Status.ERROR)
    wrong = clean["prediction"] != clean["label"]
    if clean.cell != cell:
        return "they were made for other samples or another model"
    if len(np.unique(clean["sample_id"])) != len(clean) or (len(clean) < len(ids) and not clean.skipped):
        return "samples are missing or duplicated"
    if not np.array_equal(clean["label"], labels[position]):
        return "their labels differ from those of the data"
    if not np.isin(clean["status"], STATUS_NAMES).all() or clean["verified"].any():
        return "they contain values that are impossible for clean images"
    if (wrong != clean.has_status(Status.MISCLASSIFIED))[answered].any() or not np.isfinite(clean["margin"][answered]).all():
        return "predictions and statuses disagree"
    shown = np.concatenate([clean["label"], clean["prediction"][answered]])
    if (shown < 0).any() or (classes is not None and (shown >= classes).any()):
        return "they contain classes that the model does not have"
    return None


def contradiction(cell: PlannedCell, threat: Threat, rows: Records, due: Records) -> str | None:
    """The first inconsistency in the records of a cell that had to attack the samples of `due`; None if there is none."""
    if rows.cell != cell.digest:
        return "they were made for another attack or another run"
    if not np.array_equal(rows["sample_id"], due["sample_id"]):
        return f"they contain {len(rows)} samples, not the {len(due)} expected ones"
    for name in ("label", "clean_prediction", "clean_margin", "clean_confidence"):
        if not np.array_equal(rows[name], due[name]):
            return f"their {name.replace('_', ' ')} differs from the records of the clean images"
    answered = ~rows.has_status(Status.ERROR)
    verified = rows["verified"].astype(bool)
    if not np.isin(rows["status"], STATUS_NAMES).all() or (verified != rows.has_status(Status.FOUND)).any():
        return "statuses and verified successes disagree"
    if not np.isfinite(np.stack([rows["margin"], rows["confidence"]])[:, answered]).all():
        return "margins or confidences are not finite"
    if (adversarial(rows, threat) < verified).any() and cell.draws == 1:
        return "a verified success has a prediction that is not adversarial"
    distance = rows["distance"][verified].astype(float)
    if not (np.isfinite(distance) & (distance >= 0)).all() or (
        isinstance(threat, NormThreat) and (distance > most(threat)).any()
    ):
        return "a verified success is outside the threat"
    return None


def images_contradict(cell: PlannedCell, threat: Threat, bounds: Bounds, rows: Records, path: Path) -> str | None:
    """The first inconsistency between a cell's records and its stored images; None if there is none or none are stored.

    Parameters
    ----------
    cell, threat, rows
        The cell, its threat, and its records of one shard.
    bounds
        The model's pixel bounds.
    path
        The file of the images.
    """
    if cell.part != "main" or not len(rows) or rows.message:
        return None
    try:
        if digest_of_file(path) != rows.images:
            return "the stored images are not those that were verified"
        kept = load_file(path)
        ids, x, x_adv = kept["sample_id"], kept["x"], kept["x_adv"]
        shown = {int(i): at for at, i in enumerate(ids.tolist())}
        at = torch.tensor([shown[i] for i in rows["sample_id"].tolist() if i in shown], dtype=torch.long)
        there = rows.where(np.isin(rows["sample_id"], list(shown)))
        if len(shown) != len(ids) or len(there) != len(ids) or len(x) != len(ids) or x.shape != x_adv.shape:
            return "the stored images belong to other samples"
        x, x_adv = x[at], x_adv[at]
        verified = there["verified"].astype(bool)
        agree = np.array_equal(kept["verified"][at].numpy(), verified)
        agree = agree and np.array_equal(kept["prediction"][at].numpy(), there["prediction"])
        distance = threat.distance(x, x_adv).double().numpy()
        inside = within(threat, x, x_adv, bounds).numpy()
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError, IndexError):
        return "the stored images are missing or damaged"
    if verified.sum() != rows["verified"].sum():
        return "a verified success has no image"
    if (~verified).sum() > NEAREST:
        return "more images are stored than expected"
    if not agree:
        return "the stored images have other verification results"
    if not np.allclose(distance, there["distance"], RELATIVE, ABSOLUTE, equal_nan=True):
        return "the stored images have other distances"
    if (verified > inside).any():
        return "the image of a verified success is outside the threat"
    judged = adversarial(there, threat) & ~there.has_status(Status.ERROR)
    if cell.draws == 1 and isinstance(threat, NormThreat | PatchThreat):
        clear = within(threat, x, x_adv, bounds, clearly=True).numpy()
        if (judged & clear & ~verified).any():
            return "an image that the model misclassifies inside the threat does not count as a success"
    return None


def adversarial(rows: Records, threat: Threat) -> Column:
    """Whether each recorded prediction is a success for the attacker."""
    wanted = rows["prediction"] == rows["target"] if threat.targeted else rows["prediction"] != rows["label"]
    return np.asarray(wanted)


def most(threat: NormThreat) -> float:
    """The largest distance accepted as eps after rounding; an l0 distance is a count and is not rounded."""
    return threat.eps if threat.norm == "l0" else threat.eps * (1 + RELATIVE) + ABSOLUTE


def within(threat: Threat, x: Tensor, x_adv: Tensor, bounds: Bounds, clearly: bool = False) -> Tensor:
    """Whether images are in bounds and inside the threat, as far as pixels show; `clearly` leaves a margin for rounding."""
    if isinstance(threat, PatchThreat):
        return threat.contains(x, x_adv, bounds)
    inside = in_box(x_adv, bounds)
    if isinstance(threat, NormThreat):
        inside &= threat.distance(x, x_adv) <= (threat.eps + threat.slack(x, bounds) / 2 if clearly else most(threat))
    return inside


def digest_of_file(path: Path) -> str:
    """Hexadecimal digest of a file's content."""
    must_be_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
