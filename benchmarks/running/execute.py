"""Execute a plan: one measurement after another over all data, skipping results on disk."""

from __future__ import annotations

from collections.abc import Sequence

from robustkit.benchmarks.planning.cell import Cell
from robustkit.benchmarks.running.attack_cell import AttackCell
from robustkit.benchmarks.running.clean_pass import CleanPass
from robustkit.benchmarks.running.due import curve_ids
from robustkit.benchmarks.running.folds import fit_folds
from robustkit.benchmarks.running.measurement import measure
from robustkit.benchmarks.running.progress import Progress
from robustkit.benchmarks.running.work import Work
from robustkit.universal import UniversalAttack


def ask_clean(work: Work, progress: Progress) -> None:
    """Evaluate the model on every clean image."""
    progress.start([(work.clean_cell, "clean images", work.data.name, "main")], len(work.data))
    measure(CleanPass(work), work, progress)


def execute(work: Work, cells: Sequence[Cell], curve_samples: int, progress: Progress) -> None:
    """Compute the missing records of some cells, in order; the cells they depend on are complete or among them."""
    fitted = {cell.name: fit_folds(work, cell, progress) for cell in cells if isinstance(cell.attack, UniversalAttack)}
    on_curve = curve_ids(work.data.ids, curve_samples)
    progress.start([(cell.name, cell.spec, cell.threat.id, cell.part) for cell in cells], len(work.data))
    for cell in cells:
        measure(AttackCell(cell, work, on_curve, fitted.get(cell.name)), work, progress)
