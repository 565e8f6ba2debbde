import struct
from itertools import product

import pytest
import torch
from PIL import ImageCms

from robustkit.errors import UsageError
from robustkit.physical.printer.icc import profile_colours
from robustkit.physical.printer.palette import Palette

D50 = (0.9642, 1.0, 0.8249)


def printer_profile(solids, white=1.0, kind=b"prtr"):
    """An ICC profile (version 2) of a CMYK printer: a table of L*a*b* at the 16 corners, and paper of luminance `white`."""
    entries = [(round(lab[0] * 652.8), round((lab[1] + 128) * 256), round((lab[2] + 128) * 256)) for lab in solids]
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + identity + struct.pack(">2H", 2, 2)
    table += (
        struct.pack(">2H", 0, 65535) * 4 + b"".join(struct.pack(">3H", *e) for e in entries) + struct.pack(">2H", 0, 65535) * 3
    )
    paper = b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * white * 65536) for v in D50))
    start = 128 + 4 + 2 * 12
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", start, len(paper), b"A2B0", start + len(paper), len(table))
    header = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(paper) + len(table), b"", 0x02400000, kind, b"CMYK", b"Lab ", b"", b"acsp"
    )
    header += bytes(28) + struct.pack(">3i", *(round(v * 65536) for v in D50))
    return header.ljust(128, b"\0") + tags + paper + table


def solids():
    """Grey inks, of which any full one leaves L* of 20; cyan ink is coloured."""
    return [
        (100, 0, 0) if not any(inks) else (60, -30, -30) if inks == (1, 0, 0, 0) else (20, 0, 0)
        for inks in product((0, 1), repeat=4)
    ]


def test_the_gamut_keeps_the_papers_white_and_the_inks_colours(tmp_path):
    (tmp_path / "printer.icc").write_bytes(printer_profile(solids(), white=0.8))
    colours = profile_colours(tmp_path / "printer.icc")
    assert torch.allclose(colours.amax(0), torch.full((3,), 0.906), atol=1.5 / 255)  # sRGB of luminance 0.8
    luminance = 0.8 * ((20 + 16) / 116) ** 3
    assert torch.allclose(colours.amax(1).min(), torch.tensor(1.055 * luminance ** (1 / 2.4) - 0.055), atol=0.02)
    assert (colours[:, 2] - colours[:, 0]).max() > 0.3  # cyan ink
    assert (colours[:, 2] - colours[:, 0]).min() > -0.1  # and no yellow


def test_a_palette_comes_from_a_profile(tmp_path):
    (tmp_path / "printer.icc").write_bytes(printer_profile(solids()))
    palette = Palette.of_profile(tmp_path / "printer.icc", count=12)
    assert len(palette) == 12
    assert torch.allclose(palette.colours[0], torch.ones(3), atol=1.5 / 255)


def test_files_that_are_no_printers_profile_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.icc cannot be read as an ICC profile"):
        profile_colours(tmp_path / "none.icc")
    (tmp_path / "text.icc").write_text("not a profile")
    with pytest.raises(UsageError, match=r"text\.icc cannot be read as an ICC profile"):
        profile_colours(tmp_path / "text.icc")
    (tmp_path / "screen.icc").write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    with pytest.raises(UsageError, match=r"screen\.icc is an ICC profile of class 'mntr' in RGB"):
        profile_colours(tmp_path / "screen.icc")
