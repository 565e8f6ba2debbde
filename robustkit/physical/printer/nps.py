"""How unprintable a texture is.

References
----------
Sharif et al., Accessorize to a crime. CCS 2016. doi:10.1145/2976749.2978392 (the product).
Eykholt et al., Robust physical-world attacks on deep learning visual classification, arXiv 1707.08945.
"""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.colour import srgb_to_lab
from robustkit.physical.printer.palette import Palette

#: Colour differences below about this, in L*a*b*, are not noticed.
_JUST_NOTICEABLE = 1.0


def non_printability_score(texture: Tensor, palette: Palette, mask: Tensor) -> Tensor:
    """RP2's score: for each texel the product of its sRGB distances to all palette colours, summed over the mask.

    With 30 colours the product is tiny and so is its gradient, far from any colour too: `printability_distance` has neither fault.

    Parameters
    ----------
    texture
        sRGB in [0, 1], ``(..., 3, h, w)``.
    palette
        The printable colours.
    mask
        The weight of each texel, ``(..., 1, h, w)``.

    Returns
    -------
    The scores, ``(...)``.
    """
    colours = palette.colours.to(texture)[:, :, None, None]
    distances: Tensor = torch.linalg.vector_norm(texture.unsqueeze(-4) - colours, dim=-3)
    return (distances.prod(dim=-3) * mask.squeeze(-3)).sum((-2, -1))


def printability_distance(texture: Tensor, palette: Palette, mask: Tensor, *, softness: float = 1.0) -> Tensor:
    """The mean distance in L*a*b* from a masked texel to its nearest palette colour, smooth everywhere.

    A soft minimum replaces the minimum, so a texel between two colours is drawn to both. The result is below the minimum by at most
    ``softness * log(n)`` of a palette of n colours, plus 1; its gradient never exceeds that of the distance.

    Parameters
    ----------
    texture, palette, mask
        As for `non_printability_score`.
    softness
        Difference of two distances, in L*a*b*, at which the nearer colour counts e times as much.

    Returns
    -------
    The distances, ``(...)``.
    """
    wanted = srgb_to_lab(palette.colours.to(texture), dim=-1)[:, :, None, None]
    squared = (srgb_to_lab(texture).unsqueeze(-4) - wanted).pow(2).sum(-3)
    distances = (squared + _JUST_NOTICEABLE**2).sqrt() - _JUST_NOTICEABLE
    nearest = -softness * (-distances / softness).logsumexp(-3)
    weight = mask.squeeze(-3).expand_as(nearest)
    return (nearest * weight).sum((-2, -1)) / weight.sum((-2, -1)).clamp_min(1e-9)
