"""A drawing: an outline in which coloured polygons are painted over one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from skimage.draw import polygon as inside
from torch import Tensor

from robustkit.colour import linear_to_srgb, srgb_to_linear
from robustkit.physical.drawing.colours import Colour
from robustkit.physical.drawing.shapes import Polygon
from robustkit.physical.sign import Sign

Layer = tuple[Colour, list[Polygon]]

#: Samples along each side of a texel.
FINENESS = 4


@dataclass(frozen=True)
class Drawing:
    """A sign as it is drawn, in cm from any origin.

    Parameters
    ----------
    outline
        The sign's edge.
    ground
        The colour under all layers.
    layers
        Each a colour and the polygons that it fills; later ones are painted over earlier ones.
    """

    outline: Polygon
    ground: Colour
    layers: tuple[Layer, ...]

    def sign(self, name: str) -> Sign:
        """The sign without its picture."""
        return Sign(name, tuple((float(x), float(y)) for x, y in self.outline))

    def texture(self, shape: tuple[int, int]) -> Tensor:
        """The picture over the outline's bounding box, sRGB ``(3, *shape)``; the ground goes on outside the outline."""
        low, high = self.outline.min(0), self.outline.max(0)
        fine = np.array(shape) * FINENESS
        canvas = np.tile(np.array(self.ground), (*fine, 1))
        for colour, polygons in self.layers:
            for corners in polygons:
                column, row = ((corners - low) / (high - low) * fine[::-1] - 0.5).T
                canvas[inside(row, column, shape=tuple(fine))] = colour  # type: ignore[no-untyped-call]
        samples = torch.from_numpy(canvas).float().permute(2, 0, 1)
        cells = samples.reshape(3, shape[0], FINENESS, shape[1], FINENESS)
        return linear_to_srgb(srgb_to_linear(cells).mean((2, 4)))
