"""Warnings about coarse printers."""

import torch

from robustkit.benchmarks.sticker.export.resolution import too_coarse
from robustkit.physical.sign import Sign
from robustkit.physical.sticker import Sticker


def warnings(texel_mm: float, dpi: float) -> list[str]:
    """Those for a bar that is 3 texels wide."""
    alpha = torch.zeros(1, 40, 40)
    alpha[:, 10:13, 5:35] = 1
    return too_coarse(Sticker.plain(Sign.rectangle("a sign", 4 * texel_mm, 4 * texel_mm), alpha), dpi)


def test_fine_dots_need_no_warning() -> None:
    assert warnings(2.0, 300) == []


def test_texels_finer_than_a_dot_are_lost() -> None:
    (warning,) = warnings(0.05, 300)
    assert "a texel is 0.05 mm, finer than a dot of a 300 dpi printer, 0.0847 mm" in warning


def test_so_are_parts_of_the_mask() -> None:
    texel, part = warnings(0.02, 300)
    assert "a texel is 0.02 mm" in texel
    assert "the mask's narrowest part is 0.06 mm" in part


def test_large_dots_round_the_sizes_of_the_png() -> None:
    (warning,) = warnings(2.0, 150)
    assert "a dot at 150 dpi is 0.169 mm" in warning
    assert "export at 254 dpi or more" in warning
