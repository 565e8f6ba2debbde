"""A sticker of black and white blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy import ndimage
from torch import Tensor

from robustkit.errors import UsageError
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.parametrisation import Parameters, check_temperature, straight_through
from robustkit.rng import SampleRandom


@dataclass(frozen=True, eq=False)
class BlackWhiteBlocks:
    """Blocks of texels, each black, white or absent, as RP2's stickers were.

    Parameters
    ----------
    blocks
        ``(h, w)`` int64: the number of each texel's block from 0, or -1 outside all blocks.
    colours
        What black and white look like.
    temperature
        Divides the logits.
    straight_through
        Whether texture and alpha are already hardened, with the gradient of the soft ones.
    """

    blocks: Tensor
    colours: Palette
    temperature: float = 1.0
    straight_through: bool = False

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if self.blocks.ndim != 2 or self.blocks.numel() == 0 or int(self.blocks.max()) < 0:
            raise UsageError("there is no block for black and white: give a larger mask, or smaller blocks")
        if len(self.colours) != 2:
            raise UsageError(f"black and white blocks have 2 colours, not {len(self.colours)}: give black, then white")

    @classmethod
    def grid(cls, mask: Tensor, pitch_mm: float, block_mm: float, colours: Palette | None = None) -> BlackWhiteBlocks:
        """Rectangles in a grid, at least `block_mm` wide and high, of which those wholly inside the mask ``(1, h, w)`` count."""
        height, width = mask.shape[-2:]
        rows, columns = (_split(size, pitch_mm, block_mm) for size in (height, width))
        numbers = rows[:, None] * (int(columns.max()) + 1) + columns[None, :]
        outside = torch.unique(numbers[mask.reshape(height, width).cpu() < 1])
        return cls(_renumbered(torch.where(torch.isin(numbers, outside), -1, numbers)), colours or Palette.black_and_white())

    @classmethod
    def of_mask(cls, mask: Tensor, colours: Palette | None = None) -> BlackWhiteBlocks:
        """One block for each connected piece of a mask ``(1, h, w)``."""
        numbers, _ = ndimage.label(mask.reshape(mask.shape[-2:]).cpu().numpy() > 0)
        return cls(torch.from_numpy(numbers).long() - 1, colours or Palette.black_and_white())

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return int(self.blocks.max()) + 1

    def initial(self, random: SampleRandom, sticker_ids: Tensor) -> Parameters:
        """Logits uniform in [-1, 1), those of presence in [0, 1): every block is rather present than absent."""
        return {
            "whiteness": 2 * random.uniform(sticker_ids, (self.count,), stream="whiteness") - 1,
            "presence": random.uniform(sticker_ids, (self.count,), stream="presence"),
        }

    def texture(self, parameters: Parameters) -> Tensor:
        """Each block's mixture of black and white; black outside all blocks."""
        black, white = self.colours.colours.to(parameters["whiteness"])[:, :, None, None]
        return torch.lerp(black, white, self._spread(parameters["whiteness"]))

    def alpha(self, parameters: Parameters) -> Tensor:
        """Each block's presence; 0 outside all blocks."""
        return self._spread(parameters["presence"])

    def harden(self, parameters: Parameters) -> Parameters:
        """Each block wholly black or white, and wholly present or absent."""
        return {name: torch.where(logits > 0, math.inf, -math.inf).to(logits) for name, logits in parameters.items()}

    def _spread(self, logits: Tensor) -> Tensor:
        """The blocks' shares ``(..., n)`` over the texels, ``(..., 1, h, w)``."""
        share = (logits / self.temperature).sigmoid()
        if self.straight_through:
            share = straight_through((logits > 0).to(share), share)
        blocks = self.blocks.to(logits.device)
        return (share[..., blocks.clamp_min(0)] * (blocks >= 0)).unsqueeze(-3)


def _split(size: int, pitch_mm: float, block_mm: float) -> Tensor:
    """The block of each texel along a side: as many as fit, of sizes that differ by a texel at most."""
    texels = max(1, math.ceil(block_mm / pitch_mm - 1e-6))
    if texels > size:
        raise UsageError(f"block_mm={block_mm} is more than the sticker's {size * pitch_mm:g} mm: give smaller blocks")
    return torch.arange(size) * (size // texels) // size


def _renumbered(numbers: Tensor) -> Tensor:
    """The same blocks numbered from 0 without gaps; -1 stays."""
    kept = torch.unique(numbers[numbers >= 0])
    return torch.where(numbers >= 0, torch.searchsorted(kept, numbers), -1)
