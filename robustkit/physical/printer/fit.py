"""A print model fitted to the colours asked for and read from a photographed chart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr
from torch import Tensor

from robustkit.colour import srgb_to_lab
from robustkit.errors import UsageError
from robustkit.physical.printer.difference import delta_e_2000
from robustkit.physical.printer.print_model import PrintModel, interpolate

_DEGREE = 4
#: A lattice of 3 nodes a channel has 93 numbers to find, one of 2 has 36: from so many colours on, the larger one.
_MANY, _FEWEST = 64, 24
_HELD_OUT_EVERY = 5
#: Holds the tone curves straight where the colours do not say.
_STRAIGHTNESS = 0.1
#: The lightness read follows the lightness asked at least so closely on any printer that is not misread.
_LEAST_CORRELATION = 0.5
#: Starts the lattice inside [0, 1], where it can move.
_EDGE = 0.005
#: Stops when a step improves the fit by less than this share.
_SETTLED = 1e-4
_PASSES = 100


@dataclass(frozen=True, eq=False)
class PrintFit:
    """A fitted printer.

    Parameters
    ----------
    model
        Fitted to all colours.
    delta_e
        CIEDE2000 between its colours and those read, ``(n,)``.
    held_out_delta_e
        The same for every fifth colour, by a model fitted to the others: what to expect of colours that are not on the chart.
    """

    model: PrintModel
    delta_e: Tensor
    held_out_delta_e: Tensor


def fit_print_model(asked: Tensor, read: Tensor, *, spread_mm: float = 0.0) -> PrintFit:
    """The print model whose colours are nearest in L*a*b* to those read, by robust least squares.

    Parameters
    ----------
    asked, read
        sRGB in [0, 1], ``(n, 3)`` each.
    spread_mm
        The spread of ink, which large patches do not show.

    Raises
    ------
    UsageError
        If the shapes differ, there are too few colours, or those read do not follow those asked.
    """
    if asked.shape != read.shape or asked.ndim != 2 or asked.shape[1] != 3:
        raise UsageError(f"asked colours {tuple(asked.shape)} and read ones {tuple(read.shape)} differ: give (n, 3) of each")
    if len(asked) < _FEWEST * _HELD_OUT_EVERY / (_HELD_OUT_EVERY - 1):
        raise UsageError(
            f"{len(asked)} colours are too few to fit a printer: print a chart of at least 30, or Chart.standard()"
        )
    asked, read = asked.detach().cpu().double(), read.detach().cpu().double()
    lightness = [srgb_to_lab(colours, dim=-1)[:, 0].numpy() for colours in (asked, read)]
    correlation = float(spearmanr(*lightness).statistic) if np.ptp(lightness[1]) > 0 else 0.0
    if correlation < _LEAST_CORRELATION:
        raise UsageError(
            f"the lightness read hardly follows the lightness asked (rank correlation {correlation:.2f}): "
            "check that the photograph is upright and its corners are in order"
        )
    # Shuffled: on a regular chart, every fifth colour in order may be one level of one channel.
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(asked)))
    held, kept = order[::_HELD_OUT_EVERY], torch.cat([order[i::_HELD_OUT_EVERY] for i in range(1, _HELD_OUT_EVERY)])
    judge = _fit(asked[kept], read[kept], spread_mm)
    model = _fit(asked, read, spread_mm)
    return PrintFit(model, _misses(model, asked, read), _misses(judge, asked[held], read[held]))


def _misses(model: PrintModel, asked: Tensor, read: Tensor) -> Tensor:
    return delta_e_2000(model.colours(asked), read)


def _fit(asked: Tensor, read: Tensor, spread_mm: float) -> PrintModel:
    nodes = 3 if len(asked) >= _MANY else 2
    bends = 3 * _DEGREE
    target = srgb_to_lab(read, dim=-1)

    def built(parameters: Tensor) -> tuple[Tensor, Tensor]:
        rises = parameters[:bends].reshape(3, _DEGREE).softmax(1)
        curves = torch.cat([rises.new_zeros(3, 1), rises.cumsum(1)], dim=1)
        return curves, parameters[bends:].reshape(nodes, nodes, nodes, 3).sigmoid()

    def residuals(parameters: Tensor) -> Tensor:
        misses = srgb_to_lab(interpolate(*built(parameters), asked), dim=-1) - target
        return torch.cat([misses.flatten(), _STRAIGHTNESS * parameters[:bends]])

    def jacobian(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        slopes: Tensor = torch.func.jacfwd(residuals)(torch.from_numpy(parameters))
        return slopes.numpy()

    levels = torch.linspace(0, 1, nodes, dtype=torch.float64)
    nearest = torch.cdist(torch.cartesian_prod(levels, levels, levels), asked).argmin(1)
    start = torch.cat([torch.zeros(bends, dtype=torch.float64), read[nearest].clamp(_EDGE, 1 - _EDGE).logit().flatten()])
    solution = least_squares(
        lambda p: residuals(torch.from_numpy(p)).numpy(),
        start.numpy(),
        jacobian,
        loss="soft_l1",
        ftol=_SETTLED,
        max_nfev=_PASSES,
    )
    curves, lattice = built(torch.from_numpy(solution.x))
    return PrintModel(curves.float(), lattice.float(), spread_mm)
