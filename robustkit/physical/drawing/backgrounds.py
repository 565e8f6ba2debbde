"""What stands behind a sign: sky, trees, buildings, a road. Drawn from noise, no photographs."""

from __future__ import annotations

import torch
from torch import Tensor

from robustkit.physical.drawing.noise import noise
from robustkit.rng import SampleRandom

#: Pairs of colours, sRGB, between which each surface's own is drawn.
SKY = ((0.35, 0.55, 0.85), (0.85, 0.88, 0.92))
LEAVES = ((0.08, 0.20, 0.06), (0.45, 0.48, 0.25))
WALLS = ((0.42, 0.24, 0.18), (0.78, 0.75, 0.70))
GRASS = ((0.25, 0.38, 0.14), (0.55, 0.52, 0.30))
ASPHALT = ((0.25, 0.25, 0.26), (0.52, 0.51, 0.50))


def backgrounds(random: SampleRandom, ids: Tensor, size_px: tuple[int, int]) -> Tensor:
    """A picture for each id, sRGB ``(B, 3, *size_px)``: any of trees, buildings and ground before the sky."""
    scene = _Scene(random, ids, size_px)
    picture = scene.sky()
    for mask, colour in (scene.trees(), scene.building("left"), scene.building("right"), scene.ground()):
        picture = torch.lerp(picture, colour, mask)
    return picture.clamp(0, 1)


class _Scene:
    def __init__(self, random: SampleRandom, ids: Tensor, size_px: tuple[int, int]) -> None:
        self.random, self.ids, self.size_px = random, ids, size_px
        height, width = size_px
        self.y = ((torch.arange(height) + 0.5) / height)[None, None, :, None]
        self.x = ((torch.arange(width) + 0.5) / width)[None, None, None, :]
        self.sharpness = float(height)

    def sky(self) -> Tensor:
        """A gradient, brighter towards the horizon, with clouds."""
        colour = self._colour("sky", SKY) * (0.75 + 0.3 * self.y)
        clouds = (self._noise("clouds", (2, 1), 3) + self._draw("cover", -0.8, 0.8)).clamp(0, 1)
        return torch.lerp(colour, torch.full_like(colour, 0.95), 0.8 * clouds)

    def trees(self) -> tuple[Tensor, Tensor]:
        """Foliage below an uneven line."""
        line = self._draw("tree line", -0.6, 1.4) + 0.25 * self._noise("tree tops", (1, 4), 3)
        leaves = self._colour("leaves", LEAVES) * (1 + 0.7 * self._noise("leaves", (5, 5), 3))
        return self._below(line), leaves

    def building(self, side: str) -> tuple[Tensor, Tensor]:
        """A wall with rows of windows, which fills the picture's left or right part below its roof."""
        edge = self._draw(f"{side} corner", -0.7, 0.6)
        across = self.x - edge if side == "right" else 1 - edge - self.x
        roof = self._draw(f"{side} roof", -0.5, 0.7)
        inside = self._step(across - self._draw(f"{side} gap", 0.3, 1.3)) * self._below(roof)
        rows, columns = self._draw(f"{side} rows", 2, 5), self._draw(f"{side} columns", 2, 5)
        phase = self._draw(f"{side} phase", 0, 1)
        down, along = ((self.y - roof) * rows) % 1, (self.x * columns + phase) % 1
        pane = self._step(0.3 - (down - 0.5).abs()) * self._step(0.25 - (along - 0.5).abs())
        wall = self._colour(f"{side} wall", WALLS) * (1 + 0.12 * self._noise(f"{side} wall", (6, 6), 2))
        glass = self._draw(f"{side} glass", 0.1, 0.6)
        return inside, torch.lerp(wall, glass.expand_as(wall), 0.85 * pane)

    def ground(self) -> tuple[Tensor, Tensor]:
        """Grass, and a road that begins at a slanted kerb."""
        line = self._draw("horizon", 0.35, 1.9)
        grass = self._colour("grass", GRASS) * (1 + 0.35 * self._noise("blades", (8, 4), 3))
        road = self._colour("road", ASPHALT) * (1 + 0.12 * self._noise("gravel", (8, 8), 2))
        kerb = self._draw("kerb", -0.5, 1.5) + self._draw("slant", -1.5, 1.5) * (self.y - line)
        return self._below(line), torch.lerp(grass, road, self._step(self.x - kerb))

    def _draw(self, stream: str, low: float, high: float) -> Tensor:
        return low + (high - low) * self.random.uniform(self.ids, (1, 1, 1), stream=stream)

    def _colour(self, stream: str, between: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
        low, high = (torch.tensor(colour)[None, :, None, None] for colour in between)
        tint = 0.05 * (self.random.uniform(self.ids, (3, 1, 1), stream=f"{stream} tint") - 0.5)
        return torch.lerp(low, high, self._draw(stream, 0, 1)) + tint

    def _noise(self, stream: str, cells: tuple[int, int], octaves: int) -> Tensor:
        return noise(self.random, self.ids, self.size_px, cells, octaves=octaves, stream=stream)

    def _step(self, value: Tensor) -> Tensor:
        """1 where a value is above 0, with an edge a pixel wide."""
        return (value * self.sharpness + 0.5).clamp(0, 1)

    def _below(self, line: Tensor) -> Tensor:
        return self._step(self.y - line)
