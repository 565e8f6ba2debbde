from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from robustkit.errors import UsageError
from robustkit.physical.printer.asking import gamut_distance
from robustkit.physical.printer.palette import Palette
from robustkit.physical.printer.print_model import PrintModel

PUBLISHED = Path("../shared/data/rp2/printable_rgb_triplets.txt")


def test_the_default_palette_spreads_over_the_gamut_of_a_typical_printer():
    palette, typical = Palette.default(), PrintModel.typical()
    assert len(palette) == 30
    assert torch.allclose(palette.colours[:2], torch.stack([typical.paper_white, typical.ink_black]), atol=1e-6)
    assert gamut_distance(typical, palette.colours).max() < 0.5
    lab = rgb2lab(palette.colours.numpy())
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e9 * np.eye(30)
    assert apart.min() > 15


def test_a_palette_is_read_as_rp2_wrote_it(tmp_path):
    (tmp_path / "triplets.txt").write_text("0.1,0.2,0.3\n\n0.5, 1 ,0\n")
    palette = Palette.read(tmp_path / "triplets.txt")
    assert torch.equal(palette.colours, torch.tensor([[0.1, 0.2, 0.3], [0.5, 1, 0]]))
    palette.write(tmp_path / "again.txt")
    assert torch.equal(Palette.read(tmp_path / "again.txt").colours, palette.colours)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="RP2's published palette is not on this machine")
def test_the_published_palette_is_read():
    palette = Palette.read(PUBLISHED)
    assert len(palette) == 30
    assert torch.allclose(palette.colours[0], torch.tensor([0.10588, 0.054902, 0.1098]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no colours"),
        ("0.1,0.2,0.3\n0.1,0.2\n", "line 2: '0.1,0.2' is not red,green,blue"),
        ("12,20,255\n", "line 1"),
        ("red,green,blue\n", "line 1"),
        ("nan,0,0\n", "line 1"),
    ],
)
def test_a_file_that_is_no_palette_is_named(content, message, tmp_path):
    (tmp_path / "bad.txt").write_text(content)
    with pytest.raises(UsageError, match=message):
        Palette.read(tmp_path / "bad.txt")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        Palette.read(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        Palette.read(tmp_path / "bytes.txt")


@pytest.mark.parametrize("colours", [torch.zeros(0, 3), torch.zeros(3), torch.zeros(2, 4), torch.tensor([[0, 0, 1.5]])])
def test_invalid_palettes_are_refused(colours):
    with pytest.raises(UsageError):
        Palette(colours)


def test_spread_takes_the_extremes_first_and_never_a_colour_twice():
    colours = torch.tensor([[0.5, 0.5, 0.5], [0, 0, 0], [0.51, 0.5, 0.5], [1, 1, 1], [1, 1, 1], [1, 0, 0]])
    assert torch.equal(Palette.spread(colours, 3).colours, colours[[3, 1, 5]])
    assert len(Palette.spread(colours, 5)) == 5
    with pytest.raises(UsageError, match="count=6 is more than the 5 different colours"):
        Palette.spread(colours, 6)
    with pytest.raises(UsageError, match="count=0"):
        Palette.spread(colours, 0)


def test_black_and_white_are_the_printers():
    assert torch.equal(Palette.black_and_white().colours, torch.tensor([[0.0, 0, 0], [1, 1, 1]]))
    typical = PrintModel.typical()
    assert torch.equal(Palette.black_and_white(typical).colours[0], typical.ink_black)


def test_texels_snap_to_the_nearest_colour():
    palette = Palette(torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0]]))
    texture = torch.tensor([[0.1, 0.9, 0.8], [0.1, 0.9, 0.1], [0.1, 0.9, 0.1]])[:, None, :]
    assert palette.nearest(texture).tolist() == [[0, 1, 2]]
    assert torch.equal(palette.snap(texture)[:, 0].T, palette.colours)
    assert torch.equal(palette.snap(texture[None])[0], palette.snap(texture))
