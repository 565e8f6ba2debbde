"""The inverse of a print model: what to ask a printer for, and how near it comes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from robustkit.colour import srgb_to_lab
from robustkit.physical.printer.difference import delta_e_2000
from robustkit.physical.printer.print_model import PrintModel

_RATE = 0.05
_LEVELS = 9


@dataclass(frozen=True, eq=False)
class Asked:
    """What to send to the printer: `texture` ``(3, h, w)``, what it prints then, and CIEDE2000 ``(h, w)`` to what was wanted."""

    texture: Tensor
    printed: Tensor
    delta_e: Tensor


def ask_for(model: PrintModel, wanted: Tensor, pitch_mm: float, *, steps: int = 200) -> Asked:
    """The texture whose print is nearest to the wanted one in L*a*b*.

    Parameters
    ----------
    model
        The printer.
    wanted
        The sRGB texture wanted on paper, ``(3, h, w)``.
    pitch_mm
        The printed width of a texel.
    steps
        Steps of Adam, from the best of a grid of asked colours for each texel.
    """
    target = srgb_to_lab(wanted.detach())
    asked = _nearest_on_grid(model, target).requires_grad_()
    optimiser = torch.optim.Adam([asked], lr=_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=steps)
    for _ in range(steps):
        optimiser.zero_grad()
        (srgb_to_lab(model(asked, pitch_mm)) - target).pow(2).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            asked.clamp_(0, 1)
    texture = asked.detach()
    printed = model(texture, pitch_mm)
    return Asked(texture, printed, delta_e_2000(printed.movedim(0, -1), wanted.movedim(0, -1)))


def gamut_distance(model: PrintModel, colours: Tensor) -> Tensor:
    """CIEDE2000 from each colour ``(n, 3)`` to the nearest (in L*a*b*) that the printer makes; near 0 where it is printable."""
    return ask_for(PrintModel(model.curves, model.lattice), colours.T[:, :, None], pitch_mm=1.0).delta_e[:, 0]


def _nearest_on_grid(model: PrintModel, target: Tensor) -> Tensor:
    levels = torch.linspace(0, 1, _LEVELS, device=target.device, dtype=target.dtype)
    grid = torch.cartesian_prod(levels, levels, levels)
    printed = srgb_to_lab(model.colours(grid), dim=-1)
    nearest = [torch.cdist(row, printed).argmin(1) for row in target.movedim(0, -1)]
    return grid[torch.stack(nearest)].movedim(-1, 0).contiguous()
