"""Two-fold fitting of universal attacks: each fold's perturbation is fitted on the other fold and stored in the run folder."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.crash import is_crash
from robustkit.benchmarks.running.progress import Progress
from robustkit.benchmarks.running.targets import with_targets
from robustkit.benchmarks.running.work import Work
from robustkit.files import atomic
from robustkit.universal import Fitted, UniversalAttack, fold_of


def fit_folds(work: Work, cell: Cell, progress: Progress) -> list[Fitted] | Exception:
    """The perturbations that the cell's universal attack fits for each fold, computed once; its error if it crashes."""
    attack = cell.attack
    assert isinstance(attack, UniversalAttack)
    folds = fold_of(torch.from_numpy(work.data.ids), work.seed)
    made = []
    for side in (0, 1):
        path = work.folder / "patches" / f"{cell.name}-fold{side}.safetensors"
        with suppress(OSError, SafetensorError):  # missing or damaged: fit again
            made.append(load_file(path))
            continue
        ids = work.data.ids[(folds != side).numpy()][: attack.fit_images]
        due = [(shard, shard.data.ids[np.isin(shard.data.ids, ids)]) for shard in work.shards()]
        samples = work.load(due).samples
        progress.note(f"fitting {cell.spec} for {cell.threat.id}, fold {side + 1} of 2, on {len(samples)} images")
        samples = with_targets(samples.to(work.model.device), cell.threat, work.classes, work.seed)
        began = time.perf_counter()
        try:
            fitted = attack.fit_to(work.model, samples, cell.threat, work.seed)
        except Exception as error:  # a third-party attack may raise anything
            if not is_crash(error):
                raise
            return error
        fitted = {name: tensor.cpu().contiguous() for name, tensor in fitted.items()}
        fitted["fit_seconds"] = torch.tensor(time.perf_counter() - began)
        with atomic(path) as partial:
            save_file(fitted, partial)
        made.append(fitted)
    return made
