"""The colours that a sticker asks for, and what the print model makes of them."""

from __future__ import annotations

import torch

from robustkit.benchmarks.sticker.summary import Colour
from robustkit.physical.printer.difference import delta_e_2000
from robustkit.physical.printer.palette import Palette
from robustkit.physical.sticker import Sticker

#: Rows of the report's table.
MOST = 10


def colours(asked: Sticker, printed: Sticker) -> list[Colour]:
    """At most ten colours of a sticker, the most frequent first: means over the texels nearest to each of ten that are far apart."""
    solid = asked.alpha[0] >= 0.5
    wanted, made = asked.texture[:, solid].T, printed.texture[:, solid].T
    if not len(wanted):
        return []
    unique = torch.unique((255 * wanted).round() / 255, dim=0)
    palette = Palette.spread(unique, min(MOST, len(unique)))
    group = palette.nearest(wanted.T[:, :, None])[:, 0]
    found = []
    for number in torch.unique(group):
        of = group == number
        first, second = wanted[of].mean(0), made[of].mean(0)
        found.append(
            Colour(
                asked=tuple(first.tolist()),
                printed=tuple(second.tolist()),
                delta_e=float(delta_e_2000(first, second)),
                share=float(of.double().mean()),
            )
        )
    return sorted(found, key=lambda each: -each.share)
