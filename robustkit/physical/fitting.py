"""What an attack that fits a sticker to scenes is given, and what it hands back."""

from __future__ import annotations

from abc import abstractmethod
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from robustkit.contracts.model import Model
from robustkit.crossing import sent
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker
from robustkit.physical.views import Chain
from robustkit.universal import UniversalAttack

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class StickerTask:
    """A sticker to be fitted.

    Parameters
    ----------
    fit, choose
        Scenes to fit on, and others on which the best iterate is chosen.
    sign
        What the sticker is stuck on.
    alpha
        Where it may be, ``(1, h, w)`` over the sign's bounding box.
    views
        What happens between the sign and the picture; None for nothing.
    printer
        From asked to printed colours; None for a printer that makes every colour.
    palette
        The printable colours.
    """

    fit: Scenes
    choose: Scenes
    sign: Sign
    alpha: Tensor
    views: Chain | None
    printer: PrintModel | None
    palette: Palette

    @property
    def pitch_mm(self) -> float:
        """The printed width of a texel."""
        return 10 * self.sign.width_cm / self.alpha.shape[-1]

    def on_its_device(self) -> StickerTask:
        """The task with the printer and the palette where its scenes are, so that no step has to copy them."""
        device, printer = self.fit.frames.device, self.printer
        return replace(
            self,
            printer=None if printer is None else _moved(printer, device, "curves", "lattice"),
            palette=_moved(self.palette, device, "colours"),
            alpha=sent(self.alpha, device),
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """How a fit went, one row for each time that the sticker was tried on the scenes for choosing.

    Parameters
    ----------
    step
        Steps taken until then.
    fit_loss
        Mean loss of the step's views.
    success, loss
        Share of the views for choosing on which the sticker succeeds, and their mean loss.
    """

    step: Tensor
    fit_loss: Tensor
    success: Tensor
    loss: Tensor


@dataclass(frozen=True, eq=False)
class Fitting:
    """A fitted sticker.

    Parameters
    ----------
    asked
        The sticker as it is sent to the printer.
    printed
        The sticker as it comes out.
    curve
        How the fit went.
    best_step
        Steps taken when the sticker was at its best on the scenes for choosing.
    forwards, backwards
        Passes of the fit, one per image.
    broken
        Number of gradients that were not finite.
    """

    asked: Sticker
    printed: Sticker
    curve: Curve
    best_step: Tensor
    forwards: int
    backwards: int
    broken: Tensor


@dataclass(frozen=True, kw_only=True)
class SceneAttack(UniversalAttack):
    """A universal attack that can also fit a sticker to scenes of a sign."""

    @abstractmethod
    def fit_scenes(self, model: Model, task: StickerTask, seed: int) -> Fitting:
        """The sticker fitted to the scenes of a task."""


def printed(sticker: Sticker, printer: PrintModel | None) -> Sticker:
    """The sticker as it comes out of a printer, which a sheet of paper carries at its true size."""
    if printer is None:
        return sticker
    return replace(sticker, texture=printer(sticker.texture, 10 * sticker.texel_cm))


def in_bounds(images: Tensor, bounds: tuple[float, float]) -> Tensor:
    """sRGB images in [0, 1] as a model's images within its bounds."""
    return images if bounds == (0, 1) else torch.lerp(images.new_tensor(bounds[0]), images.new_tensor(bounds[1]), images)


def _moved(value: T, device: torch.device, *names: str) -> T:
    """A copy of a frozen dataclass with these tensors on a device; its checks, which would wait for the device, are not repeated."""
    moved = copy(value)
    for name in names:
        object.__setattr__(moved, name, sent(getattr(value, name), device))
    return moved
