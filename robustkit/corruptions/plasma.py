"""Plasma fractals by the diamond-square algorithm on a torus (Fournier et al. 1982, doi:10.1145/358523.358553)."""

from __future__ import annotations

from torch import Tensor

from robustkit.corruptions.draws import Draws


def plasma(height: int, width: int, decay: float, draws: Draws, stream: str = "plasma") -> Tensor:
    """Fractals, float64 ``(B, 1, H, W)``: crops of power-of-two squares whose values have minimum 0 and maximum 1.

    Each level halves the distance between known points and divides the random deviation by `decay` squared.
    """
    side = 1 << (max(height, width, 2) - 1).bit_length()
    heights = draws.uniform((side, side), stream)  # each point is set once, so its draw can be stored in its place
    deviation = 2 * heights - 1
    heights[:, 0, 0] = 0
    step, wibble = side, 100.0
    while step >= 2:
        half = step // 2
        squares = heights[:, ::step, ::step].clone()
        total = squares + squares.roll(-1, 1)
        total = total + total.roll(-1, 2)
        heights[:, half::step, half::step] = total / 4 + wibble**2 * deviation[:, half::step, half::step]
        middles = heights[:, half::step, half::step]
        across = middles + middles.roll(1, 1) + squares + squares.roll(-1, 2)
        down = middles + middles.roll(1, 2) + squares + squares.roll(-1, 1)
        heights[:, ::step, half::step] = across / 4 + wibble**2 * deviation[:, ::step, half::step]
        heights[:, half::step, ::step] = down / 4 + wibble**2 * deviation[:, half::step, ::step]
        step, wibble = half, wibble / decay
    flat = heights.flatten(1)
    low, high = flat.amin(1), flat.amax(1)
    return ((heights - low[:, None, None]) / (high - low)[:, None, None])[:, None, :height, :width]
