"""Photographs of a sign: read, turned upright, and cut out around the sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from robustkit.benchmarks.sticker.finding import Found, find_sign
from robustkit.benchmarks.sticker.ingest import Problem, check, listed
from robustkit.benchmarks.sticker.rectify import cut_out, rectified, resampled
from robustkit.benchmarks.sticker.view import view_of_corners
from robustkit.data.decode import SUFFIXES, decode
from robustkit.data.files import Tree, brief, local_path
from robustkit.errors import UsageError
from robustkit.physical.pose import apparent_size_px, project
from robustkit.physical.scenes import Scenes
from robustkit.physical.sign import Sign
from robustkit.physical.warp import composite, warp

#: How many times the sign's box fits into the side of its cut.
MARGIN = 1.25
BORDER = (MARGIN - 1) / 2  #: The same, as what is added on each side.

Corners = Sequence[tuple[float, float]]


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
    straight
        The signs are shown as from straight ahead instead of as a detector cuts them out.
    skip_broken
        Skip those that are unreadable or show no sign, and list them.
    follow_links
        Whether links may lead out of their folder.
    """

    cropped: bool = False
    straight: bool = False
    skip_broken: bool = False
    follow_links: bool = False

    @property
    def hint(self) -> str:
        """What else may help with photos that cannot be used, for `check`."""
        return (
            "" if self.cropped else ", say --cropped if they are cropped to the sign, or give its corners in a table (csv:PATH)"
        )


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
    cuts, problems = cut_all(tree, [(file, ()) for file in files], sign, side_px, reading)
    check(problems, len(files), reading.skip_broken, reading.hint)
    return cuts, skipped(problems, len(files))


def cut_all(
    tree: Tree, files: Sequence[tuple[str, Corners]], sign: Sign, side_px: int, reading: PhotoReading
) -> tuple[list[Cut], list[Problem]]:
    """The signs cut out of files, each with the corners of the sign in it or none, and the files that cannot be used."""
    cuts, problems = [], []
    for file, corners in files:
        found = _cut(tree, file, corners, sign, side_px, reading)
        if isinstance(found, Cut):
            cuts.append(found)
        else:
            problems.append(Problem(file, found))
    return cuts, problems


def skipped(problems: Sequence[Problem], total: int) -> list[str]:
    """A sentence on the photos that were skipped, if any."""
    return [f"{len(problems)} of {total} photos were skipped ({listed(problems)})"] if problems else []


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


def framed(homography: Tensor, sign: Sign, size_px: int, margin: Tensor | float) -> Tensor:
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


def _cut(tree: Tree, file: str, corners: Corners, sign: Sign, side_px: int, reading: PhotoReading) -> Cut | str:
    """The cut of a photo, or why there is none."""
    try:
        with closing(tree.open(file)) as stream:
            decoded = decode(stream, exif=True)
    except UsageError:
        raise
    except FileNotFoundError:
        return "there is no such file"
    except Exception as error:  # decoders raise many kinds of error on a damaged file
        return f"unreadable ({' '.join(str(error).split())[:100] or type(error).__name__})"
    image = decoded if isinstance(decoded, Tensor) else F.pil_to_tensor(decoded.convert("RGB"))
    photo = (image.float() / 255 if image.dtype == torch.uint8 else image).expand(3, -1, -1)
    homography = _located(photo, corners, sign, reading.cropped)
    if isinstance(homography, str):
        return homography
    size_px = (side_px, side_px)
    if reading.cropped:
        onto = torch.diag(torch.tensor([side_px / photo.shape[2], side_px / photo.shape[1], 1], dtype=torch.float64))
        picture, within = resampled(photo, onto, size_px), onto @ homography
    else:
        picture, within = (rectified if reading.straight else cut_out)(photo, homography, sign, size_px, BORDER)
    return Cut(file, picture, within, float(apparent_size_px(homography[None], sign)[0]))


def _located(photo: Tensor, corners: Corners, sign: Sign, cropped: bool) -> Tensor | str:
    """The homography from cm on the sign to pixels, or why there is none."""
    if cropped:
        filled = Scenes.filled(photo[None], torch.zeros(1), sign).homography
        assert filled is not None
        return filled[0]
    if corners:
        try:
            return view_of_corners(corners, sign)
        except UsageError as error:
            return str(error)
    found = find_sign(photo, sign)
    return found.homography if isinstance(found, Found) else found.reason
