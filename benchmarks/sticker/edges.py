"""The edges of a picture, and whether a polygon lies on them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from robustkit.benchmarks.sticker.polygons import Array, fitted_line, normal, sides

#: Points at which a side is compared with the picture.
SAMPLES = 32
#: Least share of a polygon, and of all but a quarter of its sides, that lies on an edge.
SUPPORT, SIDE_SUPPORT = 0.75, 0.5


class Edges:
    """The gradients of a picture's channels, ``(C, H, W)``, smoothed by a pixel. Points are (x, y), pixel centres at 0.5."""

    def __init__(self, channels: Array) -> None:
        axes = ((0, 0, 1), (0, 1, 0))
        self.gradients = np.stack([ndimage.gaussian_filter(channels, (0, 1, 1), order=axis) for axis in axes], axis=1)
        #: What counts as an edge: steeper than most of the picture.
        self.steep = max(1.0, float(np.percentile(np.sqrt((self.gradients**2).sum((0, 1))), 70)))

    def support(self, polygon: Array) -> bool:
        """Whether a clockwise polygon lies on edges, but for a quarter of its sides."""
        near = np.array([-1.5, 0, 1.5])
        shares = np.sort([(self._slopes(start, end, near)[1].max(1) > self.steep).mean() for start, end in sides(polygon)])
        return bool(shares.mean() >= SUPPORT and shares[len(shares) // 4] >= SIDE_SUPPORT)

    def slope(self, polygon: Array) -> float:
        """The median slope across a clockwise polygon's sides."""
        return float(np.median([self._slopes(start, end, np.zeros(1))[1] for start, end in sides(polygon)]))

    def line(self, start: Array, end: Array, reach: float) -> tuple[Array, Array]:
        """A point and the direction of the line on the steepest edge within `reach` of a side; the side if there is none."""
        points, slopes = self._slopes(start, end, np.linspace(-reach, reach, 4 * round(2 * reach) + 1))
        most = slopes.max(1, keepdims=True)
        steepest = (slopes >= 0.98 * most).astype(float)  # between two pixels the slope is flat
        found = (np.einsum("so,sox->sx", steepest, points) / steepest.sum(1, keepdims=True))[most[:, 0] > self.steep]
        along = (end - start) / np.linalg.norm(end - start)
        return fitted_line(found, along) if len(found) > SAMPLES / 3 else (start, along)

    def _slopes(self, start: Array, end: Array, offsets: Array) -> tuple[Array, Array]:
        """Points along a side, without its ends, at offsets outwards, and the slope across the side there over all channels."""
        out = normal(start, end)
        points = start + np.linspace(0.1, 0.9, SAMPLES)[:, None, None] * (end - start) + offsets[:, None] * out
        where = [points[..., 1] - 0.5, points[..., 0] - 0.5]
        slopes = [
            sum(
                part * ndimage.map_coordinates(gradient, where, order=1, mode="nearest")
                for part, gradient in zip(out, channel, strict=True)
            )
            for channel in self.gradients
        ]
        return points, np.sqrt((np.array(slopes) ** 2).sum(0))
