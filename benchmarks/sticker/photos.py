"""Photographs of a sign: read, turned upright, and cut out around the sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from robustkit.benchmarks.sticker.finding import NotFound, find_sign
from robustkit.data.decode import SUFFIXES, decode
from robustkit.data.files import Tree, brief, local_path, shown
from robustkit.errors import UsageError
from robustkit.physical.pose import apparent_size_px, project
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.physical.warp import composite, warp

#: How many times the sign's box fits into the side of its cut.
MARGIN = 1.25
#: Photos listed in a message.
LISTED = 5


@dataclass(frozen=True, eq=False)
class Cut:
    """A square cut of a photo around the sign, and where the sign is in it."""

    file: str
    picture: Tensor
    homography: Tensor
    size_px: float


@dataclass(frozen=True, kw_only=True)
class PhotoReading:
    """How photographs are read.

    Parameters
    ----------
    cropped
        They are cropped to the sign's bounding box, so it need not be found.
    skip_broken
        Skip those that are unreadable or show no sign, and list them.
    follow_links
        Whether links may lead out of their folder.
    """

    cropped: bool = False
    skip_broken: bool = False
    follow_links: bool = False


def read_cuts(
    name: str, sign: Sign, side_px: int, reading: PhotoReading, only: str | None = None
) -> tuple[list[Cut], list[str]]:
    """The signs cut out of the photos in a folder, with sentences on what was left out.

    Parameters
    ----------
    name
        ``folder:PATH``.
    sign
        What the photos show.
    side_px
        Side of the cuts.
    reading
        How they are read.
    only
        The subfolder to read if the folder has one of this name; None reads only the folder itself.

    Raises
    ------
    UsageError
        If there is no photo, or one cannot be used and is not to be skipped.
    """
    tree, files = _files(name, reading.follow_links, only)
    cuts, failed = [], []
    for file in files:
        found = _cut(tree, file, sign, side_px, reading.cropped)
        if isinstance(found, Cut):
            cuts.append(found)
        else:
            failed.append(f"{shown(file)}: {found}")
    if failed:
        listed = "; ".join(failed[:LISTED]) + (f"; and {len(failed) - LISTED} more" if len(failed) > LISTED else "")
        if not reading.skip_broken or not cuts:
            raise UsageError(
                f"{len(failed)} of {len(files)} photos in {brief(name)} cannot be used ({listed}): mend or remove them, skip them with "
                "--skip-broken, or say --cropped if they are cropped to the sign"
            )
        return cuts, [f"{len(failed)} of {len(files)} photos were skipped ({listed})"]
    return cuts, []


def as_scenes(cuts: Sequence[Cut], label: int) -> Scenes:
    """The cuts as scenes of one class."""
    return Scenes(
        torch.stack([cut.picture for cut in cuts]),
        torch.arange(len(cuts)),
        torch.full((len(cuts),), label),
        torch.stack([cut.homography for cut in cuts]),
    )


def moved(photos: Tensor, homography: Tensor, to: Tensor, size_px: tuple[int, int], behind: Tensor) -> Tensor:
    """Photos seen so that what is at one homography appears at another, as if all of each lay in the sign's plane.

    Parameters
    ----------
    photos
        sRGB ``(B, 3, H, W)``.
    homography, to
        From cm on the sign to pixels, before and after, ``(B, 3, 3)``.
    size_px
        Height and width of the result.
    behind
        What is seen beyond a photo, ``(B, 3, *size_px)``.
    """
    height, width = photos.shape[2:]
    centred = torch.tensor([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]], dtype=torch.float64)
    view = to @ torch.linalg.inv(homography) @ centred
    return composite(behind, *warp(photos, torch.ones_like(photos[:, :1]), view, size_cm=(width, height), size_px=size_px))


def cut_out(homography: Tensor, sign: Sign, size_px: int, margin: Tensor | float) -> Tensor:
    """The homographies ``(B, 3, 3)`` into square pictures around the sign, whose box takes 1 / `margin` of their side."""
    corners = project(homography, torch.tensor(sign.outline_cm, dtype=torch.float64))
    low, high = corners.amin(1), corners.amax(1)
    scale = size_px / ((high - low).amax(1) * margin)
    cut = torch.zeros_like(homography)
    cut[:, 0, 0] = cut[:, 1, 1] = scale
    cut[:, :2, 2] = size_px / 2 - scale[:, None] * (low + high) / 2
    cut[:, 2, 2] = 1
    return cut @ homography


def _files(name: str, follow_links: bool, only: str | None) -> tuple[Tree, list[str]]:
    if not name.startswith("folder:"):
        raise UsageError(f"photos {brief(name)!r} must be a folder: write folder:PATH")
    root = local_path(name.removeprefix("folder:"), folder=True, expected="give a folder of photographs")
    tree = Tree(root, follow_links=follow_links)
    inner = [entry.name for entry in tree.entries() if entry.name == only and Path(entry.path).is_dir()]
    files = sorted(_images(tree, inner[0] if inner else ""))
    if not files:
        where = f" nor in its subfolder {only!r}" if only else ""
        raise UsageError(f"there is no image in {brief(name)!r}{where}: put the photographs of the sign there")
    return tree, files


def _images(tree: Tree, below: str) -> Iterator[str]:
    for entry in tree.entries(below):
        if Path(entry.name).suffix.lower() in SUFFIXES and not Path(entry.path).is_dir():
            yield str(Path(below) / entry.name)


def _cut(tree: Tree, file: str, sign: Sign, side_px: int, cropped: bool) -> Cut | str:
    """The cut of a photo, or why there is none."""
    try:
        with closing(tree.open(file)) as stream:
            decoded = decode(stream, exif=True)
    except UsageError:
        raise
    except Exception as error:  # decoders raise many kinds of error on a damaged file
        return f"unreadable ({' '.join(str(error).split())[:100] or type(error).__name__})"
    image = decoded if isinstance(decoded, Tensor) else F.pil_to_tensor(decoded.convert("RGB"))
    photo = (image.float() / 255 if image.dtype == torch.uint8 else image).expand(3, -1, -1)
    if cropped:
        homography = Scenes.filled(photo[None], torch.zeros(1), sign).homography
        to = Scenes.filled(photo.new_zeros(1, 3, side_px, side_px), torch.zeros(1), sign).homography
        assert homography is not None
        assert to is not None
    else:
        found = find_sign(photo, sign)
        if isinstance(found, NotFound):
            return found.reason
        homography = found.homography[None]
        to = cut_out(homography, sign, side_px, MARGIN)
    grey = photo.mean((1, 2))[None, :, None, None].expand(1, 3, side_px, side_px)
    picture = moved(photo[None], homography, to, (side_px, side_px), grey)[0]
    return Cut(file, picture, to[0], float(apparent_size_px(homography, sign)[0]))
