"""Whether a printer's dots are fine enough for a sticker."""

from __future__ import annotations

import math

from robustkit.benchmarks.sticker.export.page import INCH_MM
from robustkit.physical.feature_size import smallest_feature_mm, too_fine
from robustkit.physical.sticker import Sticker

#: Error of a printed size, in mm, that needs no warning.
TOLERANCE_MM = 0.1


def too_coarse(sticker: Sticker, dpi: float) -> list[str]:
    """Warnings, with the numbers, if dots of this resolution are too large for the sticker's details and for exact sizes."""
    rows, columns = sticker.alpha.shape[1:]
    texel_mm = 10 * min(sticker.sign.width_cm / columns, sticker.sign.height_cm / rows)
    found = too_fine("a texel", texel_mm, dpi=dpi)
    found += too_fine("the mask's narrowest part", smallest_feature_mm(sticker.alpha, sticker.sign), dpi=dpi)
    dot_mm = INCH_MM / dpi
    if dot_mm > TOLERANCE_MM:
        found.append(
            f"a dot at {dpi:g} dpi is {dot_mm:.3g} mm, so sizes in the PNG files are rounded to that: "
            f"print the PDF, or export at {math.ceil(INCH_MM / TOLERANCE_MM)} dpi or more"
        )
    return found
