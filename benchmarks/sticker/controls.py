"""Controls: stickers on the same places that are not optimised, so that success beyond theirs is the optimisation's."""

from __future__ import annotations

from dataclasses import replace

import torch

from robustkit.physical.printer.palette import Palette
from robustkit.physical.sticker import Sticker
from robustkit.rng import SampleRandom

PLAIN = {"grey": 0.5, "black": 0.0, "white": 1.0}


def controls(sticker: Sticker, seed: int) -> dict[str, Sticker]:
    """Grey, black and white stickers, one of random printable colours, and the sticker mirrored within the same places.

    Parameters
    ----------
    sticker
        As it is sent to the printer.
    seed
        Of the random colours.
    """
    found = {name: Sticker.plain(sticker.sign, sticker.alpha, (grey, grey, grey)) for name, grey in PLAIN.items()}
    palette = Palette.default().colours.to(sticker.texture)
    one = torch.zeros(1, dtype=torch.int64)
    drawn = SampleRandom(seed, "random control").integers(one, sticker.texture.shape[1:], len(palette))[0]
    random = palette[drawn].permute(2, 0, 1)
    return {
        **found,
        "random": replace(sticker, texture=random),
        "mirrored": replace(sticker, texture=_mirrored(sticker)),
    }


def _mirrored(sticker: Sticker) -> torch.Tensor:
    """The texture mirrored left to right; where the mirrored places do not overlap with the mask, the sticker's mean colour."""
    solid = sticker.alpha > 0
    mean = (sticker.texture * solid).sum((1, 2), keepdim=True) / solid.sum().clamp_min(1)
    return torch.where(solid.flip(2), sticker.texture.flip(2), mean)
