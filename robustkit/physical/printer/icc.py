"""The colours of a printer's ICC profile."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

from robustkit.errors import UsageError, first_line

#: Pillow's mode and the levels sampled of each channel, by the profile's colour space.
_SPACES = {"RGB": ("RGB", 13), "CMYK": ("CMYK", 6), "GRAY": ("L", 33)}
#: Printers take no more ink than this, in sheets of solid ink.
_MOST_INK = 3.0


def profile_colours(path: Path) -> Tensor:
    """A sample of the gamut of a printer's ICC profile, as sRGB in [0, 1] ``(n, 3)``.

    The intent is absolute colorimetric, so paper keeps its own white. Colours that sRGB lacks are cut off at its boundary.

    Raises
    ------
    UsageError
        If the file is no ICC profile, or not one of a printer in RGB, CMYK or grey.
    """
    try:
        profile = ImageCms.getOpenProfile(str(path))
    except (OSError, ImageCms.PyCMSError) as error:
        raise UsageError(
            f"{path} cannot be read as an ICC profile ({first_line(error)}): give a printer's .icc or .icm file"
        ) from None
    kind, space = profile.profile.device_class.strip(), profile.profile.xcolor_space.strip()
    if kind != "prtr" or space not in _SPACES:
        raise UsageError(
            f"{path} is an ICC profile of class {kind!r} in {space}: give a printer's (class 'prtr') in RGB, CMYK or GRAY"
        )
    mode, levels = _SPACES[space]
    steps = np.linspace(0, 1, levels)
    device = np.array(list(product(steps, repeat=len(Image.new(mode, (1, 1)).getbands()))))
    if mode == "CMYK":
        device = device[device.sum(1) <= _MOST_INK + 1e-9]
    pixels = (device * 255).round().astype(np.uint8)[None]
    try:
        converted = ImageCms.profileToProfile(
            Image.fromarray(pixels[..., 0] if mode == "L" else pixels, mode),
            profile,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.ABSOLUTE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (OSError, ValueError, ImageCms.PyCMSError) as error:
        raise UsageError(f"{path} cannot convert its colours to sRGB ({first_line(error)}): give another profile") from None
    assert converted is not None
    return torch.from_numpy(np.asarray(converted)[0].astype(np.float32) / 255)
