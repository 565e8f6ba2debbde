"""Optimise a sticker, judge it beside its controls on renderings it was not fitted on, and leave a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from robustkit import __version__
from robustkit.benchmarks.sticker.classes import class_name
from robustkit.benchmarks.sticker.colours import colours
from robustkit.benchmarks.sticker.controls import controls
from robustkit.benchmarks.sticker.export.manifest import tensor_sha256
from robustkit.benchmarks.sticker.folder import StickerFolder
from robustkit.benchmarks.sticker.passes import reported
from robustkit.benchmarks.sticker.predict import predict
from robustkit.benchmarks.sticker.scoring import CLEAN, CONTROL, STICKER, Frame, score
from robustkit.benchmarks.sticker.shots import RP2_CELLS
from robustkit.benchmarks.sticker.stages import Stage
from robustkit.benchmarks.sticker.summary import AreaScore, Checkpoint, ModelPart, StickerPart, StickerSummary, Variant, main
from robustkit.benchmarks.sticker.trimmed import trimmed
from robustkit.contracts.model import Model
from robustkit.physical.drawing.roadside import CAMERA
from robustkit.physical.feature_size import smallest_feature_mm, too_fine
from robustkit.physical.fitting import Fitting, SceneAttack, StickerTask, printed
from robustkit.physical.masks import area_share
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from robustkit.physical.sticker import Sticker
from robustkit.physical.views.chain import load_chain

#: Shares of its area to which the sticker is trimmed for success by area.
AREAS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Order:
    """What is asked of the workflow.

    Parameters
    ----------
    model
        The model under test.
    stage
        Where the sign is.
    source
        What the scenes are made of, in words and as a digest.
    alpha
        Where the sticker may be, ``(1, h, w)`` over the sign's bounding box.
    true, target
        Classes; no target for an untargeted sticker.
    attack
        It fits the sticker.
    printer, palette
        The printer in the loop (None for one that makes every colour), and its colours.
    repeats
        Renderings of each subject in a cell.
    ablation
        Whether to fit again without the views and without the printer.
    """

    model: Model
    stage: Stage
    source: str
    alpha: Tensor
    true: int
    target: int | None
    attack: SceneAttack
    printer: PrintModel | None
    palette: Palette
    seed: int = 0
    repeats: int = 4
    ablation: bool = True

    def asked(self) -> dict[str, Any]:
        """All that determines the result, as JSON values."""
        sign = self.stage.sign
        return {
            "model": self.model.name,
            "fingerprint": self.model.fingerprint(),
            "sign": {"name": sign.name, "outline_cm": [list(corner) for corner in sign.outline_cm]},
            "photos": self.source,
            "mask": tensor_sha256(self.alpha),
            "texels": list(self.alpha.shape[1:]),
            "true": self.true,
            "target": self.target,
            "attack": repr(self.attack),
            "printer": "ideal" if self.printer is None else [tensor_sha256(self.printer.lattice), self.printer.spread_mm],
            "palette": tensor_sha256(self.palette.colours),
            "seed": self.seed,
            "repeats": self.repeats,
            "ablation": self.ablation,
        }


def optimise(
    order: Order, folder: Path, *, repeat: Mapping[str, Any] | None = None, note: Callable[[str], None] = lambda _: None
) -> StickerSummary:
    """The summary of the run in the folder, which is made if it is not there yet.

    Parameters
    ----------
    order
        What to do.
    folder
        The run folder; a finished run of the same order is not repeated.
    repeat
        Command and options, for the report.
    note
        Writes a line of progress.

    Raises
    ------
    UsageError
        If the folder belongs to something else.
    NothingEvaluatedError
        If the bare sign is nowhere correctly classified.
    """
    run, asked = StickerFolder(folder), order.asked()
    if run.open(asked):
        note(f"{folder} contains this run, finished: nothing is computed again")
        return run.summary()
    fitting = fit(order, note)
    frames, pictures = judge(order, fitting.asked, fitting.printed)
    predicted = score(frames)
    best = main(predicted).beyond
    curve = fitting.curve
    summary = StickerSummary(
        run=folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        robustkit=__version__,
        model=ModelPart(name=order.model.name, fingerprint=asked["fingerprint"]),
        sticker=described(fitting.asked),
        true=class_name(order.model, order.true),
        target=None if order.target is None else class_name(order.model, order.target),
        classes=list(order.model.classes or ()),
        seed=order.seed,
        steps=int(curve.step[-1]),
        predicted=predicted,
        photos=order.source,
        convergence=[
            Checkpoint(step=int(step), loss=float(loss), success=float(success))
            for step, loss, success in zip(curve.step, curve.loss, curve.success, strict=True)
        ],
        areas=by_area(order, fitting, best.control if best else None, frames, note),
        ablation=ablated(order, frames, note) if order.ablation else [],
        colours=colours(fitting.asked, fitting.printed),
        warnings=warnings(fitting.asked),
        repeat=dict(repeat or {}),
    )
    run.finish(asked, fitting.asked, fitting.printed, frames, pictures, summary)
    return summary


def fit(
    order: Order, note: Callable[[str], None], *, views: bool = True, printer: bool = True, what: str = "sticker"
) -> Fitting:
    """The fitted sticker; without the camera's views or without the printer for an ablation."""
    fit_on, choose_on = (scenes.aimed(order.target) for scenes in order.stage.fitting(order.seed))
    task = StickerTask(
        fit=fit_on,
        choose=choose_on,
        sign=order.stage.sign,
        alpha=order.alpha,
        views=load_chain("camera") if views else None,
        printer=order.printer if printer else None,
        palette=order.palette,
    )
    total = getattr(order.attack, "steps", 1) * getattr(order.attack, "views", 1)
    note(f"{what}: optimising {total} views of {len(fit_on)} scenes")
    with reported(order.model, what, total, note):
        return order.attack.fit_scenes(order.model, task, order.seed)


def judge(order: Order, asked: Sticker, on_paper: Sticker) -> tuple[list[Frame], dict[str, Tensor]]:
    """The renderings of the sticker and of its controls, all printed by the same printer."""
    others = {f"{CONTROL}{name}": printed(each, order.printer) for name, each in controls(asked, order.seed).items()}
    return _predict(order, {STICKER: on_paper, **others})


def by_area(
    order: Order, fitting: Fitting, best: str | None, frames: Sequence[Frame], note: Callable[[str], None]
) -> list[AreaScore]:
    """The success of the sticker and of its best control, both trimmed to less of the sign."""
    note("success by area")
    found = []
    whole = {f"{CONTROL}{name}": each for name, each in controls(fitting.asked, order.seed).items() if name == best}
    for share in AREAS:
        kept = {STICKER: trimmed(fitting.printed, share)}
        kept |= {subject: trimmed(printed(each, order.printer), share) for subject, each in whole.items()}
        area = area_share(kept[STICKER].alpha, order.stage.sign)
        found.append(AreaScore(area=area, **_rules(order, kept, frames)))
    return found


def ablated(order: Order, frames: Sequence[Frame], note: Callable[[str], None]) -> list[Variant]:
    """The success of stickers fitted as long without the camera's views and without the printer, printed all the same."""
    found = []
    for name, without in (("no camera views", {"views": False}), ("no print model", {"printer": False})):
        asked = fit(order, note, what=name, **without).asked
        found.append(Variant(name=name, **_rules(order, {STICKER: printed(asked, order.printer)}, frames)))
    return found


def described(sticker: Sticker) -> StickerPart:
    """The sticker in real units."""
    sign = sticker.sign
    return StickerPart(
        sign=sign.name,
        width_cm=sign.width_cm,
        height_cm=sign.height_cm,
        texel_mm=10 * sticker.texel_cm,
        area=area_share(sticker.alpha, sign),
        smallest_mm=smallest_feature_mm(sticker.alpha, sign),
    )


def warnings(sticker: Sticker) -> list[str]:
    """Details of the sticker that the farthest camera does not resolve."""
    px_mm = CAMERA.px_mm(max(distance for distance, _ in RP2_CELLS))
    narrowest = smallest_feature_mm(sticker.alpha, sticker.sign)
    return too_fine("a texel", 10 * sticker.texel_cm, px_mm=px_mm) + too_fine(
        "the mask's narrowest part", narrowest, px_mm=px_mm
    )


def _predict(order: Order, subjects: Mapping[str, Sticker]) -> tuple[list[Frame], dict[str, Tensor]]:
    return predict(order.model, order.stage, subjects, target=order.target, repeats=order.repeats, seed=order.seed)


def _rules(order: Order, subjects: Mapping[str, Sticker], frames: Sequence[Frame]) -> dict[str, Any]:
    """The scores of other stickers by both rules, beside the clean frames of the run."""
    found, _ = _predict(order, subjects)
    clean = [frame for frame in frames if frame.subject == CLEAN]
    scored = score([*clean, *(frame for frame in found if frame.subject != CLEAN)])
    return {"untargeted": scored.untargeted, "targeted": scored.targeted}
