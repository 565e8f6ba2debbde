"""The colours of traffic signs, sRGB in [0, 1]: retroreflective sheeting in daylight is duller than the paint's own swatch."""

from __future__ import annotations

Colour = tuple[float, float, float]

WHITE: Colour = (0.93, 0.93, 0.91)
BLACK: Colour = (0.09, 0.09, 0.10)
RED: Colour = (0.72, 0.11, 0.14)
BLUE: Colour = (0.07, 0.29, 0.60)
YELLOW: Colour = (0.96, 0.74, 0.10)
