"""Robust physical perturbations: a sticker of given places that works in every view of a sign (Eykholt et al., arXiv 1707.08945)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from robustkit.colour import srgb_to_linear
from robustkit.crossing import sent
from robustkit.errors import brief, did_you_mean
from robustkit.gradients import is_broken
from robustkit.losses import is_adversarial, take
from robustkit.physical.fitting import Curve, Fitting, SceneAttack, StickerTask, in_bounds, printed
from robustkit.physical.printer.black_white_blocks import BlackWhiteBlocks
from robustkit.physical.printer.free_texels import FreeTexels
from robustkit.physical.printer.nps import non_printability_score, printability_distance
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.palette_mixture import PaletteMixture
from robustkit.physical.printer.parametrisation import Parameters, Parametrisation
from robustkit.physical.printer.print_model import PrintModel
from robustkit.physical.scenes import Scenes
from robustkit.physical.sticker import Sticker
from robustkit.physical.views import CHAINS
from robustkit.physical.warp import composite
from robustkit.plugin import (
    AttackInfo,
    AttackResult,
    Fitted,
    Model,
    SampleRandom,
    Samples,
    StickerThreat,
    Threat,
    UsageError,
    judge,
    with_broken_fit,
)

Colours = Literal["free", "palette", "blocks"]
Score = Literal["lab", "nps"]

#: How often the sticker is tried on the scenes for choosing, and in how many views of each.
TRIALS, VIEWS_OF_EACH = 20, 2
#: Share of the images that choose the iterate and are not fitted on.
CHOOSING = 0.25


@dataclass(frozen=True, kw_only=True)
class RP2(SceneAttack):
    """Adam on a sticker's colours for the mean over scenes and views, drawn anew in every step (EOT).

    The loss of a view is minus the log-probability of success: that the class is the target or, untargeted, that it is not the
    label. Unlike the negative cross-entropy of the label it is bounded, so views that already succeed leave the gradient to the
    others; unlike a clipped margin it needs no confidence to be chosen. The iterate returned is the one that succeeds most often in
    views of its own of images of its own.

    Parameters
    ----------
    steps
        Number of optimiser steps.
    views
        Views per step, each of a scene drawn at random.
    learning_rate
        Adam's, which falls linearly to a tenth.
    colours
        What is optimised: ``free`` (every texel has any colour), ``palette`` (a printable colour each) or ``blocks`` (black and
        white blocks, as the paper's stickers were).
    printability
        Weight of how far the colours are from printable ones.
    score
        How that is measured: ``lab`` (mean distance to the nearest printable colour in L*a*b*) or ``nps`` (the paper's product,
        per texel, whose gradient vanishes far from all colours).
    total_variation
        Weight of the mean difference of adjacent texels.
    camera
        Views of the fit under a `sticker` threat, a chain of `robustkit.physical.views`, or ``none``.
    printer
        Printer under a `sticker` threat: ``typical`` or ``ideal``.
    palette
        A file with printable colours in RP2's format; empty for those of an ordinary inkjet.
    block_mm
        Least side of a block.
    fit_images
        Maximum number of images for fitting.

    Raises
    ------
    UsageError
        If a setting is out of range.
    """

    steps: int = 300
    views: int = 8
    learning_rate: float = 0.05
    colours: Colours = "free"
    printability: float = 0.002
    score: Score = "lab"
    total_variation: float = 0.02
    camera: str = "camera"
    printer: str = "typical"
    palette: str = ""
    block_mm: float = 50.0

    info: ClassVar[AttackInfo] = AttackInfo(
        name="rp2",
        threats=("sticker",),
        knowledge="white-box",
        targeted=True,
        cost="2 forwards, and steps * views forwards and backwards for each of two fits that all samples share",
        paper="Robust Physical-World Attacks on Deep Learning Visual Classification, arXiv 1707.08945",
    )

    def __post_init__(self) -> None:
        for name in ("steps", "views", "fit_images"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)} must be at least 1")
        for name in ("learning_rate", "block_mm"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name}={getattr(self, name)} must be above 0")
        for name in ("printability", "total_variation"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name}={getattr(self, name)} must be a weight of at least 0")
        known = {
            "colours": get_args(Colours),
            "score": get_args(Score),
            "camera": ("none", *CHAINS),
            "printer": tuple(PRINTERS),
        }
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise UsageError(f"{name} {brief(getattr(self, name))} is unknown: {did_you_mean(getattr(self, name), values)}")

    def fit_to(self, model: Model, samples: Samples, threat: Threat, seed: int) -> Fitted:
        assert isinstance(threat, StickerThreat)
        if not len(samples.x):
            raise UsageError("a sticker cannot be fitted without images: give more, so that both folds contain some")
        model.criterion.check_columns(torch.empty(0, model.num_classes(samples.x[:1])), samples)
        low, high = model.bounds
        scenes = Scenes((samples.x - low) / (high - low), samples.ids, samples.y, targets=samples.targets)
        choose, fit = scenes.split(seed, (CHOOSING, 1 - CHOOSING)) if len(scenes) > 3 else (scenes, scenes)
        fitting = self.fit_scenes(model, self._task(threat, fit, choose), seed)
        return {
            "texture": fitting.asked.texture,
            "printed": fitting.printed.texture,
            "alpha": fitting.asked.alpha,
            "fit_forwards": torch.tensor(fitting.forwards),
            "fit_backwards": torch.tensor(fitting.backwards),
            "fit_broken_gradients": fitting.broken,
        }

    def apply_to(self, model: Model, samples: Samples, threat: Threat, fitted: Fitted, seed: int) -> AttackResult:
        assert isinstance(threat, StickerThreat)
        if not {"printed", "alpha"} <= fitted.keys() or fitted["printed"].shape[-2:] != samples.x.shape[-2:]:
            raise UsageError(
                f"the fit does not contain a sticker for images of {tuple(samples.x.shape[-2:])} pixels: fit one to them"
            )
        texture, alpha = (fitted[name].to(samples.x) for name in ("printed", "alpha"))
        low, high = model.bounds

        def make(attacked: Samples, num_classes: int) -> Tensor:
            x = attacked.x
            shown = composite((x - low) / (high - low), srgb_to_linear(texture)[None] * alpha, alpha[None])
            return torch.where(alpha > 0, in_bounds(shown, model.bounds), x)

        return with_broken_fit(fitted, judge(model, samples, threat, make, seed=seed))

    def fit_scenes(self, model: Model, task: StickerTask, seed: int) -> Fitting:
        fit = _Fit(self, model, task, seed)
        with model.frozen(seed), torch.no_grad():
            return fit.run()

    def _task(self, threat: StickerThreat, fit: Scenes, choose: Scenes) -> StickerTask:
        """The sticker of a threat, one texel a pixel."""
        like = fit.frames
        return StickerTask(
            fit=fit,
            choose=choose,
            sign=threat.plate,
            alpha=sent(threat.alpha(like.shape[2], like.shape[3]).to(like.dtype), like.device),
            views=CHAINS.get(self.camera),
            printer=PRINTERS[self.printer](),
            palette=Palette.read(Path(self.palette)) if self.palette else Palette.default(),
        )

    def form(self, task: StickerTask) -> Parametrisation:
        """What is optimised."""
        height, width = task.alpha.shape[-2:]
        match self.colours:
            case "free":
                return FreeTexels(height, width, squash="clamp")
            case "palette":
                return PaletteMixture(task.palette, height, width, straight_through=True)
            case "blocks":
                grid = BlackWhiteBlocks.grid(task.alpha, task.pitch_mm, self.block_mm)
                return replace(grid, straight_through=True)


PRINTERS: dict[str, Callable[[], PrintModel | None]] = {"typical": PrintModel.typical, "ideal": lambda: None}


class _Fit:
    """One fit of a sticker to the scenes of a task."""

    def __init__(self, attack: RP2, model: Model, task: StickerTask, seed: int) -> None:
        self.attack, self.model, self.task = attack, model, task.on_its_device()
        task = self.task
        self.random, self.trial = SampleRandom(seed, attack.name), SampleRandom(seed, f"{attack.name}/choose")
        self.form = attack.form(task)
        one = torch.zeros(1, dtype=torch.int64, device=task.fit.frames.device)
        self.parameters = {name: rows[0].to(task.alpha.dtype) for name, rows in self.form.initial(self.random, one).items()}
        low, high = model.bounds
        self.width = high - low

    def run(self) -> Fitting:
        """The fitted sticker."""
        steps, views = self.attack.steps, self.attack.views
        adam = torch.optim.Adam(self.parameters.values(), lr=self.attack.learning_rate, eps=1e-12)
        every = max(1, steps // TRIALS)
        broken = torch.zeros((), dtype=torch.int64, device=self.task.alpha.device)
        best, best_score, best_step = dict(self.parameters), None, broken
        trials: list[Tensor] = []
        taken: list[int] = []
        for step in range(steps):
            loss, gradients, count = self._gradient(step)
            broken = broken + count
            for name, parameter in self.parameters.items():
                parameter.grad = gradients[name]
            adam.param_groups[0]["lr"] = self.attack.learning_rate * (1 - 0.9 * step / steps)
            adam.step()
            if "texels" in self.parameters:
                self.parameters["texels"].clamp_(0, 1)
            if (step + 1) % every and step + 1 < steps:
                continue
            success, trial_loss = self._tried()
            trials.append(torch.stack([loss, success, trial_loss]))
            taken.append(step + 1)
            # Success first, and the loss where it is equal.
            score = success + (-trial_loss).exp() / (2 * VIEWS_OF_EACH * len(self.task.choose))
            better = torch.ones_like(broken, dtype=torch.bool) if best_score is None else score > best_score
            best_score = score if best_score is None else torch.where(better, score, best_score)
            best = {name: torch.where(better, value.detach(), best[name]) for name, value in self.parameters.items()}
            best_step = torch.where(better, step + 1, best_step)
        for parameter in self.parameters.values():
            parameter.grad = None
        asked = self._sticker(self.form.harden(best))
        return Fitting(
            asked=asked,
            printed=printed(asked, self.task.printer),
            curve=Curve(torch.tensor(taken), *torch.stack(trials, 1)),
            best_step=best_step,
            forwards=steps * views + len(trials) * VIEWS_OF_EACH * len(self.task.choose),
            backwards=steps * views,
            broken=broken,
        )

    def _sticker(self, parameters: Parameters) -> Sticker:
        """The sticker as it is asked for."""
        return Sticker(self.form.texture(parameters), self.task.alpha * self.form.alpha(parameters), self.task.sign)

    def _gradient(self, step: int) -> tuple[Tensor, Parameters, Tensor]:
        """The mean loss over random views, its gradient with penalties, and how many views' gradients were not finite."""
        slots = torch.arange(self.attack.views, device=self.task.alpha.device)
        rows = self.random.integers(slots, (), len(self.task.fit), step=step, stream="scenes")
        scenes = self.task.fit.rows(rows)
        views = self.task.views
        drawn = None if views is None else views.draw(slots, self.random, step)
        with torch.enable_grad():
            leaves = {name: value.detach().requires_grad_() for name, value in self.parameters.items()}
            asked = self._sticker(leaves)
            images = in_bounds(scenes.show(printed(asked, self.task.printer), views, drawn), self.model.bounds)
            penalty = self._penalty(asked)

        def part(rows: Tensor) -> tuple[Tensor, ...]:
            seen = scenes.rows(rows)
            _, loss, gradient = self.model.gradient(images[rows], lambda logits: failure(logits, seen))
            return loss, gradient

        loss, gradient = self.model.in_chunks(part, slots, like=images)
        finite = gradient.nan_to_num(0.0, 0.0, 0.0) / len(slots)
        found = torch.autograd.grad(
            [images, penalty], list(leaves.values()), [finite, torch.ones_like(penalty)], allow_unused=True
        )
        gradients = {
            name: torch.zeros_like(leaf) if each is None else each
            for (name, leaf), each in zip(leaves.items(), found, strict=True)
        }
        return loss.mean(), gradients, is_broken(gradient).sum()

    def _penalty(self, asked: Sticker) -> Tensor:
        """The weighted penalties of colours that cannot be printed, and of differences between adjacent texels."""
        texture, alpha = asked.texture, asked.alpha
        total = (0 * texture).sum()
        if self.attack.printability:
            if self.attack.score == "lab":
                score = printability_distance(texture, self.task.palette, alpha)
            else:
                score = non_printability_score(texture, self.task.palette, alpha) / alpha.sum().clamp_min(1)
            total = total + self.attack.printability * score
        if self.attack.total_variation:
            total = total + self.attack.total_variation * total_variation(texture, alpha)
        return total

    def _tried(self) -> tuple[Tensor, Tensor]:
        """The share of views of the scenes for choosing on which the sticker succeeds, and their mean loss."""
        sticker = printed(self._sticker(self.form.harden(self.parameters)), self.task.printer)
        scenes, views = self.task.choose, self.task.views
        success, losses = [], []
        for number in range(VIEWS_OF_EACH):
            drawn = None if views is None else views.draw(scenes.ids, self.trial, number)
            images = in_bounds(scenes.show(sticker, views, drawn), self.model.bounds)
            logits = self.model.in_chunks(lambda rows: (self.model(rows),), images)[0]
            success.append(is_adversarial(logits, scenes.labels, scenes.targets))
            losses.append(failure(logits, scenes))
        return torch.cat(success).to(losses[0].dtype).mean(), torch.cat(losses).mean()


def failure(logits: Tensor, scenes: Scenes) -> Tensor:
    """Minus the log-probability that each scene has its target or, without targets, any class but its label. ``(B,)``."""
    total = logits.logsumexp(1)
    if scenes.targets is not None:
        return total - take(logits, scenes.targets)
    return total - logits.scatter(1, scenes.labels[:, None], -torch.inf).logsumexp(1)


def total_variation(texture: Tensor, alpha: Tensor) -> Tensor:
    """The mean absolute difference of adjacent texels that are both on the sticker."""
    both = (alpha[:, 1:] * alpha[:, :-1], alpha[:, :, 1:] * alpha[:, :, :-1])
    steps = ((texture[:, 1:] - texture[:, :-1]).abs(), (texture[:, :, 1:] - texture[:, :, :-1]).abs())
    weighted = torch.stack([(step * weight).sum() for step, weight in zip(steps, both, strict=True)]).sum()
    return weighted / (3 * torch.stack([weight.sum() for weight in both]).sum()).clamp_min(1)
