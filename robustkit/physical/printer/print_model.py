"""A differentiable model of a printer: the colour and the sharpness of what comes out for what was asked.

Each channel passes a monotone tone curve; the three results place the colour in a lattice of printed colours and interpolate between its
corners. So the gamut is inside the convex hull of colours that were printed: paper white, ink black and the inks between them. Ink then
spreads: the ink density is blurred, which widens dark areas at edges (dot gain) and leaves uniform areas as they are.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from skimage.color import lab2rgb
from torch import Tensor
from torch.nn import functional as F

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.errors import UsageError, first_line
from robustkit.files import write_text

#: Round L*a*b* values of an ordinary inkjet on plain paper, for asked (red, green, blue) of 0 or 1 in the order 000, 001, ... 111.
_TYPICAL_LAB = [
    [[[31, 1, 1], [38, 10, -32]], [[51, -42, 15], [60, -25, -42]]],
    [[[54, 56, 27], [56, 60, -2]], [[88, -4, 76], [94, 0, -2]]],
]
_TYPICAL_CURVE = (0.0, 0.2, 0.45, 0.72, 1.0)
_TYPICAL_SPREAD_MM = 0.1
#: Light that the surface reflects over any ink; it bounds the density of black.
_SURFACE = 0.01


@dataclass(frozen=True, eq=False)
class PrintModel:
    """Printed sRGB for asked sRGB.

    Parameters
    ----------
    curves
        ``(3, d + 1)``: each channel's tone curve as Bernstein coefficients, rising from 0 to 1.
    lattice
        ``(k, k, k, 3)``: the printed sRGB colours over the three channels' tones; ``lattice[0, 0, 0]`` is ink black.
    spread_mm
        Standard deviation of the spread of ink.
    """

    curves: Tensor
    lattice: Tensor
    spread_mm: float = 0.0

    def __post_init__(self) -> None:
        k = len(self.lattice)
        if k < 2 or self.lattice.shape != (k, k, k, 3) or self.curves.ndim != 2 or len(self.curves) != 3:
            raise UsageError(
                f"a print model with curves {tuple(self.curves.shape)} and lattice {tuple(self.lattice.shape)} is invalid: "
                "give (3, d + 1) and (k, k, k, 3) with k of 2 or more"
            )
        if not (_rises_from_0_to_1(self.curves) and bool(((self.lattice >= 0) & (self.lattice <= 1)).all())):
            raise UsageError("a print model's curves must rise from 0 to 1 and its lattice lie in [0, 1]: fit it again")
        if not 0 <= self.spread_mm < math.inf:
            raise UsageError(f"spread_mm={self.spread_mm} must be 0 or more")

    @classmethod
    def ideal(cls) -> PrintModel:
        """A printer that prints exactly what is asked."""
        ends = torch.tensor([0.0, 1.0])
        return cls(ends.expand(3, 2), torch.cartesian_prod(ends, ends, ends).reshape(2, 2, 2, 3))

    @classmethod
    def typical(cls) -> PrintModel:
        """An ordinary inkjet on plain paper, from round values; fit one to a photographed chart for a real printer."""
        lattice = torch.from_numpy(lab2rgb(np.array(_TYPICAL_LAB, dtype=np.float64))).float().clamp(0, 1)
        return cls(torch.tensor(_TYPICAL_CURVE).expand(3, -1), lattice, _TYPICAL_SPREAD_MM)

    @property
    def paper_white(self) -> Tensor:
        """The sRGB colour where white was asked."""
        return self.lattice[-1, -1, -1]

    @property
    def ink_black(self) -> Tensor:
        """The sRGB colour where black was asked."""
        return self.lattice[0, 0, 0]

    def colours(self, asked: Tensor) -> Tensor:
        """The printed colours of large patches, ``(..., 3)`` for asked colours ``(..., 3)``."""
        return interpolate(self.curves.to(asked), self.lattice.to(asked), _in_range(asked))

    def __call__(self, texture: Tensor, pitch_mm: float) -> Tensor:
        """The printed texture.

        Parameters
        ----------
        texture
            Asked sRGB in [0, 1], ``(..., 3, h, w)``.
        pitch_mm
            The printed width of a texel.

        Returns
        -------
        Printed sRGB in [0, 1], of the same shape.
        """
        if not 0 < pitch_mm < math.inf:
            raise UsageError(f"pitch_mm={pitch_mm} must be the width of a texel, above 0")
        printed = self.colours(texture.movedim(-3, -1)).movedim(-1, -3)
        weights = _gaussian(self.spread_mm / pitch_mm)
        if len(weights) == 1:
            return printed
        density = -(srgb_to_linear(printed) + _SURFACE).log()
        return _in_range(linear_to_srgb((-_blur(density, weights.to(density))).exp() - _SURFACE))

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        content = {"curves": self.curves.tolist(), "lattice": self.lattice.tolist(), "spread_mm": self.spread_mm}
        write_text(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> PrintModel:
        """The model in a file that `save` wrote. Raises `UsageError` if it is not one."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(torch.tensor(content["curves"]), torch.tensor(content["lattice"]), float(content["spread_mm"]))
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise UsageError(f"{path} is not a print model ({first_line(error)}): fit one to a printed chart again") from None


def interpolate(curves: Tensor, lattice: Tensor, asked: Tensor) -> Tensor:
    """The printed colours for asked ones in [0, 1], ``(..., 3)``, without the checks of `PrintModel`."""
    place = _tone(curves, asked) * (len(lattice) - 1)
    cell = place.detach().floor().clamp(0, len(lattice) - 2)  # the last node belongs to the last cell: white has a gradient too
    along, cell = (place - cell)[..., None], cell[..., None]
    nodes = torch.arange(len(lattice), device=asked.device, dtype=asked.dtype)
    red, green, blue = torch.where(nodes == cell, 1 - along, torch.where(nodes == cell + 1, along, 0)).unbind(-2)
    return torch.einsum("...i,...j,...k,ijkc->...c", red, green, blue, lattice)


def _in_range(x: Tensor) -> Tensor:
    """Values clamped to [0, 1]; unlike `clamp`, with a gradient at exactly 0 and 1."""
    return torch.where(x < 0, 0.0, torch.where(x > 1, 1.0, x))


def _rises_from_0_to_1(curves: Tensor) -> bool:
    ends = torch.stack([curves[:, 0], 1 - curves[:, -1]])
    return bool((curves.diff(dim=1) >= 0).all()) and bool((ends.abs() < 1e-5).all())


def _tone(curves: Tensor, asked: Tensor) -> Tensor:
    """The tone curves at the asked values ``(..., 3)``, by de Casteljau's algorithm."""
    points = list(curves.unbind(1))
    while len(points) > 1:
        points = [low + asked * (high - low) for low, high in pairwise(points)]
    return points[0]


def _gaussian(deviation: float) -> Tensor:
    """The share of a Gaussian's mass over each texel, the middle one in the centre; a single 1 if hardly any leaves it."""
    if deviation < 0.15:
        return torch.ones(1)
    radius = math.ceil(3 * deviation)
    edges = (torch.arange(-radius, radius + 2, dtype=torch.float64) - 0.5) / deviation
    mass: Tensor = torch.special.ndtr(edges).diff()
    return mass / mass.sum()


def _blur(planes: Tensor, weights: Tensor) -> Tensor:
    """Both directions of ``(..., h, w)`` averaged with the weights; beyond the edges, the edge goes on."""
    radius = len(weights) // 2
    flat = planes.reshape(-1, 1, *planes.shape[-2:])
    padded = F.pad(flat, (radius, radius, radius, radius), mode="replicate")
    across = F.conv2d(padded, weights.reshape(1, 1, 1, -1))
    return F.conv2d(across, weights.reshape(1, 1, -1, 1)).reshape(planes.shape)
